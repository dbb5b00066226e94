package io.flotilla.node.recent;

import io.flotilla.config.view.ConfigView;
import io.flotilla.node.recent.FilesMessages.Open;
import io.flotilla.node.recent.FilesMessages.Read;
import io.flotilla.node.recent.FilesMessages.Remove;
import io.flotilla.node.recent.FilesMessages.Rename;
import io.flotilla.node.recent.FilesMessages.Request;
import io.flotilla.node.streams.Places;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.UserHomes;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Gives other nodes what they have heard that this one has: only in storages whose changes are told, only what has the very size and time
 * they were told of, nothing through links, and nothing of unfinished uploads. Whether the user may was judged by the node that asks, which
 * is trusted: it has the cluster's key, and with it could be any user. Safe for all threads.
 */
final class FilesService {
  private static final Logger log = LoggerFactory.getLogger(FilesService.class);
  /** How long nothing is read of an open file until its stream ends; who reads on later opens it again. */
  private static final Duration IDLE = Duration.ofSeconds(20);
  /** Fewer than streams of this service, so that there is always room to remove and rename. */
  private static final int MAX_OPEN = 192;
  private static final int MAX_OPEN_OF_ONE = 48;

  private final Supplier<ConfigView> view;
  private final UserHomes homes;
  private final RecentChanges changes;
  private final Places opened = new Places(MAX_OPEN, MAX_OPEN_OF_ONE);

  FilesService(Supplier<ConfigView> view, UserHomes homes, RecentChanges changes) {
    this.view = view;
    this.homes = homes;
    this.changes = changes;
  }

  void serve(Link link) throws IOException {
    link.readTimeout(IDLE);
    Request request = FilesMessages.request(Frame.read(link.in()));
    try {
      switch (request) {
        case Open open -> openIfRoom(link, open);
        case Read _ -> throw new IOException("the other node reads before it has opened a file");
        case Remove remove -> change(link, remove.entry(), remove.isDirectory(), remove.version(), files -> {
          if (remove.isDirectory()) {
            files.removeDirectory(remove.entry().path());
          } else {
            files.removeFile(remove.entry().path());
          }
        });
        case Rename rename -> change(link, rename.entry(), rename.isDirectory(), rename.version(),
            files -> rename(files, rename));
      }
    } catch (VfsException e) {
      log.debug("{} is refused what it asks for: {}", link.peer(), e.getMessage());
      FilesMessages.failed(e).writeTo(link.out());
    }
  }

  private VirtualFileSystem files(Location location) throws VfsException {
    for (String name : location.path().names()) {
      if (RecentChanges.isHidden(name)) {
        throw new VfsException(VfsError.NOT_FOUND, location.path());
      }
    }
    return homes.own(view.get(), location.storage());
  }

  private void openIfRoom(Link link, Open open) throws IOException {
    if (!opened.take(link.peer())) {
      throw new VfsException(VfsError.NOT_ARRIVED,
          "it has not arrived at this node yet, and too many files are read from the node that has it; try again later");
    }
    try {
      open(link, open);
    } finally {
      opened.giveBack(link.peer());
    }
  }

  private void open(Link link, Open open) throws IOException {
    try (VirtualFileSystem files = files(open.file())) {
      OpenFile file;
      try {
        file = files.open(open.file().path(), OpenMode.READ, 0);
      } catch (VfsException e) {
        if (e.error() != VfsError.NOT_FOUND) {
          throw e;
        }
        FilesMessages.another(changes.position()).writeTo(link.out());
        return;
      }
      try {
        if (!RecentChanges.isVersion(open.version(), file.attributes())) {
          FilesMessages.another(changes.position()).writeTo(link.out());
          return;
        }
        FilesMessages.done().writeTo(link.out());
        serve(link, file);
      } finally {
        file.abandon();
      }
    }
  }

  private static void serve(Link link, OpenFile file) throws IOException {
    // The frame's length, how it went, and what was read go out by one write.
    ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES + 1 + FilesMessages.MAX_READ);
    while (true) {
      if (!(FilesMessages.request(Frame.read(link.in())) instanceof Read read)) {
        throw new IOException("the other node asks for something else on a stream of a file");
      }
      buffer.clear().position(Integer.BYTES + 1).limit(Integer.BYTES + 1 + read.length());
      long position = read.position();
      for (int count = 0; count >= 0 && buffer.hasRemaining(); ) {
        count = file.read(buffer, position);
        position += Math.max(0, count);
      }
      buffer.putInt(0, buffer.position() - Integer.BYTES).put(Integer.BYTES, (byte) 0);
      link.out().write(buffer.array(), 0, buffer.position());
    }
  }

  private interface Change {
    void on(VirtualFileSystem files) throws VfsException;
  }

  private void change(Link link, Location entry, boolean isDirectory, Version version, Change change) throws IOException {
    try (VirtualFileSystem files = files(entry)) {
      FileAttributes found = null;
      try {
        found = files.lstat(entry.path());
      } catch (VfsException e) {
        if (e.error() != VfsError.NOT_FOUND) {
          throw e;
        }
      }
      if (found == null || found.isDirectory() != isDirectory || !isDirectory && !RecentChanges.isVersion(version, found)) {
        FilesMessages.another(changes.position()).writeTo(link.out());
        return;
      }
      change.on(files);
      FilesMessages.done(changes.position()).writeTo(link.out());
    }
  }

  /** Into a directory that the other node has, and this one may not have yet. */
  private static void rename(VirtualFileSystem files, Rename rename) throws VfsException {
    if (rename.to().names().stream().anyMatch(RecentChanges::isHidden)) {
      throw new VfsException(VfsError.INVALID_NAME, rename.to());
    }
    try {
      files.rename(rename.entry().path(), rename.to(), rename.replace());
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
      VirtualPath made = VirtualPath.ROOT;
      for (String name : rename.to().parent().names()) {
        made = made.child(name);
        try {
          files.makeDirectory(made, 0755);
        } catch (VfsException exists) {
          if (exists.error() != VfsError.EXISTS) {
            throw exists;
          }
        }
      }
      files.rename(rename.entry().path(), rename.to(), rename.replace());
    }
  }
}
