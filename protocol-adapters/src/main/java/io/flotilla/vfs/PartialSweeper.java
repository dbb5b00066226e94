package io.flotilla.vfs;

import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.RejectedExecutionException;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Deletes the partials with which nobody has gone on for too long. A tree is gone through in the background when a session opens
 * it, once a day at most. The age of a partial is that of its last change, which the system keeps and no client can set (writing
 * renews it, as does going on with it), so one that another node writes to stays. Those of this process's running uploads stay in
 * any case. One per process, safe for all threads.
 */
final class PartialSweeper {
  private static final Logger log = LoggerFactory.getLogger(PartialSweeper.class);
  private static final Duration INTERVAL = Duration.ofDays(1);
  /** Of trees whose last time is remembered; the others' next one comes sooner. */
  private static final int MAX_REMEMBERED = 10_000;

  private final ActiveUploads uploads;
  private final Clock clock;
  private final Map<Object, Instant> swept = new LinkedHashMap<>() {
    @Override
    protected boolean removeEldestEntry(Map.Entry<Object, Instant> eldest) {
      return size() > MAX_REMEMBERED;
    }
  };

  PartialSweeper(ActiveUploads uploads, Clock clock) {
    this.uploads = uploads;
    this.clock = clock;
  }

  /**
   * Has a tree gone through, if that is due. Doesn't block.
   *
   * @param tree identifies it
   * @param keep how old a partial may become
   * @param removed told of the bytes of each that is deleted
   */
  void sweepIfDue(Object tree, Usage.Source source, Duration keep, TreeScans.OfStorage scans, Consumer<Long> removed) {
    Duration interval = keep.compareTo(INTERVAL) < 0 ? keep : INTERVAL;
    Instant now = clock.instant();
    synchronized (swept) {
      Instant last = swept.get(tree);
      if (last != null && now.isBefore(last.plus(interval))) {
        return;
      }
      swept.remove(tree); // so that it becomes the youngest
      swept.put(tree, now);
    }
    try {
      scans.start(progress -> sweep(source, keep, progress, removed));
    } catch (RejectedExecutionException e) {
      synchronized (swept) {
        swept.remove(tree);
      }
    }
  }

  private void sweep(Usage.Source source, Duration keep, Runnable progress, Consumer<Long> removed) {
    int[] count = new int[1];
    try (VirtualFileSystem files = source.open()) {
      Trees.walk(files, (path, entry) -> {
        progress.run();
        if (Partials.isHidden(entry.name()) && isOld(entry.attributes(), keep) && remove(files, path, keep)) {
          count[0]++;
          removed.accept(entry.attributes().size());
        }
      });
    } catch (VfsException e) {
      log.warn("A tree can't be searched for what broken uploads left: {}", e.getMessage());
    }
    if (count[0] > 0) {
      log.info("Deleted {} partials of uploads with which nobody has gone on for {} hours", count[0], keep.toHours());
    }
  }

  private boolean isOld(FileAttributes attributes, Duration keep) {
    return attributes.kind() == FileAttributes.Kind.FILE && attributes.changed().plus(keep).isBefore(clock.instant());
  }

  /** Looks once more where no upload of this process can begin to go on with it. */
  private boolean remove(VirtualFileSystem files, VirtualPath path, Duration keep) {
    try {
      ActiveUploads.Name name = new ActiveUploads.Name(files.stat(path.parent()).key(), path.name());
      try (ActiveUploads.Held _ = uploads.lock(name)) {
        FileAttributes now = files.lstat(path);
        if (!isOld(now, keep) || uploads.isActive(now.key())) {
          return false;
        }
        files.removeFile(path);
        return true;
      }
    } catch (VfsException e) {
      log.debug("A partial stays: {}", e.getMessage());
      return false;
    }
  }
}
