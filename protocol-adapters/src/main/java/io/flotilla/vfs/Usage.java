package io.flotilla.vfs;

import java.time.Duration;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalLong;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * How many bytes and files a tree holds, as far as this node knows: found by a scan, and from then on by what its sessions
 * and other nodes tell. What else happens is found by the next scan. Scans run when the tree
 * is in use and the last one, even if it failed, is {@link #SCAN_INTERVAL} old, or 20 times as old as it took, whichever is
 * more. Changes made
 * during a scan are added to what it found, so until the next one they may be counted twice. Scans leave the partials of this
 * process's running uploads out, which are counted as what their uploads reserved. Safe for all threads.
 */
final class Usage {
  static final Duration SCAN_INTERVAL = Duration.ofMinutes(1);
  private static final Logger log = LoggerFactory.getLogger(Usage.class);
  private static final int IDLE_FACTOR = 20;
  private static final Duration RECOUNT_INTERVAL = Duration.ofSeconds(2);
  private static final Duration RECOUNT_WAIT = Duration.ofSeconds(2);

  private final TreeScans.OfStorage scanners;
  private final CountDownLatch firstScan = new CountDownLatch(1);
  private long bytes;
  private long files;
  private boolean scanning;
  private boolean wasScanned;
  private long scannedAt;
  private long scanNanos;
  private boolean isKnown;
  private long scans;
  private long recountFrom = System.nanoTime();
  /** By the key of the partial. Changed under the lock, so that it fits to what is counted. */
  private final Map<Object, Upload> uploads = new ConcurrentHashMap<>();
  /** The bytes and files of uploads that ended during the first scan, which may have left them out. */
  private final Map<Object, long[]> endedMeanwhile = new HashMap<>();
  private volatile long resizes;
  private final String origin = UUID.randomUUID().toString();
  /** What this node's sessions have changed since the beginning. */
  private long ownBytes;
  private long ownFiles;
  /** What each other node was last heard to have changed. */
  private final Map<String, UsageNews.Change> others = new HashMap<>();

  /** @param scanners runs the scans; what it rejects is tried again at the next use */
  Usage(TreeScans.OfStorage scanners) {
    this.scanners = scanners;
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
    ownBytes += moreBytes;
    ownFiles += moreFiles;
    count(moreBytes, moreFiles);
  }

  private void count(long moreBytes, long moreFiles) {
    bytes = isKnown ? Math.max(0, bytes + moreBytes) : bytes + moreBytes;
    files = isKnown ? Math.max(0, files + moreFiles) : files + moreFiles;
  }

  /** What this node's sessions have changed in all. */
  synchronized UsageNews.Change own(UsageNews.Home home, boolean isFirst) {
    return new UsageNews.Change(home, origin, ownBytes, ownFiles, isFirst);
  }

  /** Counts what another node has changed since it was last heard. What it had changed before a scan has seen. */
  synchronized void heard(String node, UsageNews.Change told) {
    UsageNews.Change before = others.put(node, told);
    if (before != null && before.origin().equals(told.origin())) {
      count(told.bytes() - before.bytes(), told.files() - before.files());
    } else if (told.isFirst()) {
      count(told.bytes(), told.files());
    }
  }

  /**
   * A running upload to a partial, from here on counted as what this holds and no more by what its file has.
   *
   * @param partial its file's key
   * @param held bytes that are counted for it already
   * @param heldFiles 1 if it is counted as a file, 0 if it replaces one
   */
  synchronized Upload begin(Object partial, long held, long heldFiles) {
    Upload upload = new Upload(partial, held, heldFiles);
    uploads.put(partial, upload);
    return upload;
  }

  /** What one upload is counted for, beside the finished file that it may replace. */
  final class Upload {
    private final Object partial;
    private final long heldFiles;
    private long held;

    private Upload(Object partial, long held, long heldFiles) {
      this.partial = partial;
      this.held = held;
      this.heldFiles = heldFiles;
    }

    /** Holds more bytes, if there is room for them. */
    boolean reserve(long more, OptionalLong maxBytes) {
      synchronized (Usage.this) {
        if (!Usage.this.reserve(more, 0, maxBytes, OptionalLong.empty())) {
          return false;
        }
        held += more;
        return true;
      }
    }

    /** Notes what was counted for it by somebody else. */
    void add(long counted) {
      synchronized (Usage.this) {
        held += counted;
      }
    }

    /** Counts instead of what this holds what the upload has brought. To be called once. */
    void end(long broughtBytes, long broughtFiles) {
      synchronized (Usage.this) {
        if (uploads.remove(partial, this) && scanning && !isKnown) {
          endedMeanwhile.put(partial, new long[] {broughtBytes, broughtFiles});
        }
        change(broughtBytes - held, broughtFiles - heldFiles);
      }
    }
  }

  /** Tells those who write that a file was made longer or shorter by its path, and counted so: it may be theirs. */
  synchronized void resized() {
    resizes++;
  }

  /** How often {@link #resized} was called. */
  long resizes() {
    return resizes;
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
    start(source);
  }

  /**
   * Has the tree scanned again, though it may not be due, before something is refused: what others removed may be counted still.
   * Waits for it two seconds at most, and does nothing if the last time is too short ago.
   *
   * @return whether another try may have another result
   */
  boolean recount(Source source) {
    boolean mustStart;
    long before;
    long start = System.nanoTime();
    synchronized (this) {
      if (start - recountFrom < 0) {
        return false;
      }
      recountFrom = start + Math.max(RECOUNT_INTERVAL.toNanos(), IDLE_FACTOR * scanNanos);
      before = scans;
      mustStart = !scanning;
      scanning = true;
    }
    if (mustStart) {
      start(source);
    }
    return awaitScan(before, start + RECOUNT_WAIT.toNanos());
  }

  private synchronized boolean awaitScan(long before, long deadline) {
    try {
      while (scans == before && scanning) {
        long left = TimeUnit.NANOSECONDS.toMillis(deadline - System.nanoTime());
        if (left <= 0) {
          return false;
        }
        wait(left);
      }
      return scans != before;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private void start(Source source) {
    boolean isQueued = false;
    try {
      scanners.start(progress -> scan(source, progress));
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

  /** @param progress run for each entry that is seen */
  void scan(Source source, Runnable progress) {
    long start = System.nanoTime();
    long bytesBefore;
    long filesBefore;
    Set<Object> partials;
    synchronized (this) {
      partials = Set.copyOf(uploads.keySet());
      endedMeanwhile.clear();
      // Without what the uploads hold, so that it is added to what is found.
      bytesBefore = bytes - heldBytes();
      filesBefore = files - heldFiles();
    }
    long[] found = null;
    Set<Object> leftOut = new HashSet<>();
    try (VirtualFileSystem tree = source.open()) {
      found = count(tree, key -> {
        boolean isUpload = partials.contains(key) || uploads.containsKey(key);
        if (isUpload) {
          leftOut.add(key);
        }
        return isUpload;
      }, progress);
    } catch (VfsException e) {
      log.warn("What a home holds can't be counted, so its quota goes by what was known: {}", e.getMessage());
    } finally {
      synchronized (this) {
        if (found != null) {
          // Before the first scan only what came meanwhile is known, and the scan has seen all that it did not leave out.
          bytes = Math.max(0, found[0] + (isKnown ? bytes - bytesBefore : heldBytes() + ended(leftOut, 0)));
          files = Math.max(0, found[1] + (isKnown ? files - filesBefore : heldFiles() + ended(leftOut, 1)));
          isKnown = true;
          endedMeanwhile.clear();
        }
        scanning = false;
        wasScanned = true;
        scannedAt = System.nanoTime();
        scanNanos = scannedAt - start;
        scans++;
        notifyAll();
      }
      firstScan.countDown();
    }
  }

  private long ended(Set<Object> leftOut, int what) {
    return leftOut.stream().map(endedMeanwhile::get).filter(Objects::nonNull).mapToLong(brought -> brought[what]).sum();
  }

  private long heldBytes() {
    return uploads.values().stream().mapToLong(upload -> upload.held).sum();
  }

  private long heldFiles() {
    return uploads.values().stream().mapToLong(upload -> upload.heldFiles).sum();
  }

  /**
   * The bytes and the number of all that is not a directory; every name counts, also one of several for a file.
   *
   * @param isUpload whether a file of this key is left out
   */
  private static long[] count(VirtualFileSystem tree, Predicate<Object> isUpload, Runnable progress) throws VfsException {
    long[] found = new long[2];
    Trees.walk(tree, (_, entry) -> {
      progress.run();
      if (!isUpload.test(entry.attributes().key())) {
        found[0] += entry.attributes().kind() == FileAttributes.Kind.FILE ? entry.attributes().size() : 0;
        found[1]++;
      }
    });
    return found;
  }
}
