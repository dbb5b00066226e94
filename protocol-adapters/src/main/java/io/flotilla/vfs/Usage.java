package io.flotilla.vfs;

import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.OptionalLong;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executor;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many bytes and files a tree holds, as far as this node knows: found by a scan, and from then on by what its sessions
 * tell. What others do, such as other nodes that share the storage, is found by the next scan. Scans run when the tree
 * is in use and the last one, even if it failed, is {@link #SCAN_INTERVAL} old, or 20 times as old as it took, whichever is
 * more. Changes made
 * during a scan are added to what it found, so until the next one they may be counted twice. Safe for all threads.
 */
final class Usage {
  static final Duration SCAN_INTERVAL = Duration.ofMinutes(1);
  private static final Logger log = LoggerFactory.getLogger(Usage.class);
  private static final int IDLE_FACTOR = 20;
  private static final int SCANNERS = 4;
  private static final int WAITING_SCANS = 10_000;
  private static final Duration SCANNER_IDLE = Duration.ofSeconds(10);

  private final Executor scanners;
  private final CountDownLatch firstScan = new CountDownLatch(1);
  private long bytes;
  private long files;
  private boolean scanning;
  private boolean wasScanned;
  private long scannedAt;
  private long scanNanos;
  private boolean isKnown;

  /** @param scanners runs the scans; what it rejects is tried again at the next use */
  Usage(Executor scanners) {
    this.scanners = scanners;
  }

  /**
   * Scans few trees at once, however many come into use together, as when a node restarts and all its users come back. Its
   * threads end when there is nothing to scan, and don't keep the process.
   */
  static Executor scanners() {
    ThreadPoolExecutor scanners = new ThreadPoolExecutor(SCANNERS, SCANNERS, SCANNER_IDLE.toMillis(), TimeUnit.MILLISECONDS,
        new ArrayBlockingQueue<>(WAITING_SCANS), Thread.ofPlatform().daemon().name("quota-scan-", 1).factory());
    scanners.allowCoreThreadTimeOut(true);
    return scanners;
  }

  /** Opens the tree for a scan, which closes it. */
  interface Source {
    VirtualFileSystem open() throws VfsException;
  }

  /**
   * Counts something that comes, if there is room for it; both may be 0.
   *
   * @return false if it would go over a limit, and nothing was counted
   */
  synchronized boolean reserve(long moreBytes, long moreFiles, OptionalLong maxBytes, OptionalLong maxFiles) {
    if (moreBytes > 0 && maxBytes.isPresent() && (bytes > maxBytes.getAsLong() || moreBytes > maxBytes.getAsLong() - bytes)
        || moreFiles > 0 && maxFiles.isPresent() && moreFiles > maxFiles.getAsLong() - files) {
      return false;
    }
    change(moreBytes, moreFiles);
    return true;
  }

  /** Counts what has come or gone. What went may have been counted by nobody. */
  synchronized void change(long moreBytes, long moreFiles) {
    bytes = isKnown ? Math.max(0, bytes + moreBytes) : bytes + moreBytes;
    files = isKnown ? Math.max(0, files + moreFiles) : files + moreFiles;
  }

  synchronized long bytes() {
    return bytes;
  }

  synchronized long files() {
    return files;
  }

  /** Has the tree scanned by another thread, if that is due. */
  void refresh(Source source) {
    synchronized (this) {
      long due = Math.max(SCAN_INTERVAL.toNanos(), IDLE_FACTOR * scanNanos);
      if (scanning || wasScanned && System.nanoTime() - scannedAt < due) {
        return;
      }
      scanning = true;
    }
    boolean isQueued = false;
    try {
      scanners.execute(() -> scan(source));
      isQueued = true;
    } catch (RejectedExecutionException e) {
      log.debug("Too many homes wait to be counted, so one more has to wait for its next use");
    } finally {
      if (!isQueued) { // also if there can be no more threads
        synchronized (this) {
          scanning = false;
        }
      }
    }
  }

  /** Waits for the first scan to end, even if it fails; false if it takes longer. */
  boolean awaitFirst(Duration most) {
    try {
      return firstScan.await(most.toMillis(), TimeUnit.MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  void scan(Source source) {
    long start = System.nanoTime();
    long bytesBefore = bytes();
    long filesBefore = files();
    long[] found = null;
    try (VirtualFileSystem tree = source.open()) {
      found = count(tree);
    } catch (VfsException e) {
      log.warn("What a home holds can't be counted, so its quota goes by what was known: {}", e.getMessage());
    } finally {
      synchronized (this) {
        if (found != null) {
          // Before the first scan only what came meanwhile is known, and the scan may have seen that.
          bytes = Math.max(0, found[0] + (isKnown ? bytes - bytesBefore : 0));
          files = Math.max(0, found[1] + (isKnown ? files - filesBefore : 0));
          isKnown = true;
        }
        scanning = false;
        wasScanned = true;
        scannedAt = System.nanoTime();
        scanNanos = scannedAt - start;
      }
      firstScan.countDown();
    }
  }

  /** The bytes and the number of all that is not a directory; every name counts, also one of several for a file. */
  private static long[] count(VirtualFileSystem tree) throws VfsException {
    long[] found = new long[2];
    Deque<VirtualPath> directories = new ArrayDeque<>();
    directories.add(VirtualPath.ROOT);
    while (!directories.isEmpty()) {
      VirtualPath directory = directories.removeLast();
      try (DirectoryListing listing = tree.list(directory)) {
        for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
          if (entry.attributes().isDirectory()) {
            directories.add(directory.child(entry.name()));
          } else {
            found[0] += entry.attributes().kind() == FileAttributes.Kind.FILE ? entry.attributes().size() : 0;
            found[1]++;
          }
        }
      } catch (VfsException e) {
        if (directory.isRoot()) {
          throw e; // else it went meanwhile, or may not be read
        }
      }
    }
    return found;
  }
}
