package io.flotilla.http.files;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.http.server.Pause;
import io.flotilla.http.server.ProducedBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Entries of a directory, and all that is in them, as a ZIP archive that is made while it is sent. It holds what is being read: one
 * file, and a listing for each directory that it is in. What can't be read ends it, since an archive that silently lacks files is worse
 * than none. Links to files are followed; those to directories are left out, as are links that lead nowhere, pipes and the like.
 */
final class ZipDownload implements ProducedBody {
  private static final Logger log = LoggerFactory.getLogger(ZipDownload.class);
  private static final int PART_BYTES = 32 * 1024;
  /** Of directories in each other; each holds an open listing. */
  private static final int MAX_DEPTH = 1_000;

  private final UserRequest request;
  private final VirtualFileSystem files;
  private final Deque<Level> levels = new ArrayDeque<>();
  private final ZipWriter zip = new ZipWriter();
  private final ByteBuffer buffer = ByteBuffer.allocate(PART_BYTES);
  /** What is being read, or was last. */
  private VirtualPath at;
  private OpenFile file;
  private Transfer account;
  private long offset;
  private boolean closed;

  /**
   * A directory that is gone through.
   *
   * @param prefix of its entries' names in the archive
   */
  private record Level(VirtualPath directory, String prefix, Entries entries, ZipNames names) {}

  /** The entries of a level; those that were named by the client have to be there. */
  private sealed interface Entries {
    record Listed(DirectoryListing listing) implements Entries {}

    record Named(Iterator<String> names) implements Entries {}
  }

  private ZipDownload(UserRequest request, VirtualPath directory, Entries entries) {
    this.request = request;
    this.files = request.files();
    this.at = directory;
    levels.push(new Level(directory, "", entries, new ZipNames(name -> has(directory.child(name)))));
  }

  /** All that is in a directory. */
  static ZipDownload ofAll(UserRequest request, VirtualPath directory) throws VfsException {
    return new ZipDownload(request, directory, new Entries.Listed(request.files().list(directory)));
  }

  /** @param names of entries, each once */
  static ZipDownload of(UserRequest request, VirtualPath directory, List<String> names) {
    return new ZipDownload(request, directory, new Entries.Named(names.iterator()));
  }

  @Override
  public ByteString next(Pause pause) throws IOException {
    try {
      while (zip.available() < PART_BYTES && !zip.isComplete()) {
        request.checkIsWanted();
        if (file != null) {
          copy(pause);
        } else if (!levels.isEmpty()) {
          zip.spool();
          walk();
        } else {
          zip.end();
        }
      }
      return zip.take();
    } catch (IOException e) {
      log.info("The ZIP for {} was broken off at {}: {}", request.login().user().name(), at, e.getMessage());
      if (file != null) {
        end(request.isOver().getAsBoolean() ? ClientEvent.Outcome.BROKEN : ClientEvent.Outcome.FAILED);
      }
      throw e;
    }
  }

  private void copy(Pause pause) throws IOException {
    int count = file.read(buffer.clear().limit(account.part(buffer.capacity())), offset);
    if (count < 0) {
      zip.endFile();
      end(ClientEvent.Outcome.COMPLETED);
      return;
    }
    zip.write(buffer.array(), count);
    long wait = account.moved(offset, count);
    offset += count;
    pause.pause(wait);
  }

  private void end(ClientEvent.Outcome outcome) {
    file.abandon();
    file = null;
    account.ended(outcome);
  }

  private void walk() throws VfsException {
    Level level = levels.element();
    switch (level.entries()) {
      case Entries.Listed(var listing) -> {
        DirectoryListing.Entry entry = listing.next();
        if (entry == null) {
          listing.close();
          levels.pop();
          return;
        }
        try {
          add(level, entry.name(), entry.attributes());
        } catch (VfsException e) {
          if (e.error() != VfsError.NOT_FOUND) { // else it has been removed since
            throw e;
          }
        }
      }
      case Entries.Named(var names) -> {
        if (!names.hasNext()) {
          levels.pop();
          return;
        }
        String name = names.next();
        at = level.directory().child(name);
        add(level, name, files.lstat(at));
      }
    }
  }

  private void add(Level level, String name, FileAttributes attributes) throws VfsException {
    at = level.directory().child(name);
    switch (attributes.kind()) {
      case FILE -> begin(level, name);
      case DIRECTORY -> descend(level, name, attributes);
      case SYMLINK -> {
        if (target(files, at).filter(target -> target.kind() == FileAttributes.Kind.FILE).isPresent()) {
          begin(level, name);
        }
      }
      case OTHER -> { }
    }
  }

  /** What a link leads to, if it leads anywhere. */
  static Optional<FileAttributes> target(VirtualFileSystem files, VirtualPath link) throws VfsException {
    try {
      return Optional.of(files.stat(link));
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND, NOT_A_DIRECTORY, TOO_MANY_LINKS -> Optional.empty();
        default -> throw e;
      };
    }
  }

  private void begin(Level level, String name) throws VfsException {
    OpenFile opened = files.open(at, OpenMode.READ, 0);
    try {
      FileAttributes attributes = opened.attributes();
      zip.beginFile(level.prefix() + level.names().nameOf(name), attributes.modified(), attributes.permissions(), attributes.size());
    } catch (VfsException | RuntimeException e) {
      opened.abandon();
      throw e;
    }
    file = opened;
    account = request.transfers().began(at, ClientEvent.Direction.DOWNLOAD);
    offset = 0;
  }

  private void descend(Level level, String name, FileAttributes attributes) throws VfsException {
    if (levels.size() > MAX_DEPTH) {
      throw new VfsException(VfsError.UNSUPPORTED, at, "there are more than " + MAX_DEPTH + " directories in each other");
    }
    VirtualPath directory = at;
    DirectoryListing listing = files.list(directory);
    try {
      String path = level.prefix() + level.names().nameOf(name);
      zip.directory(path, attributes.modified());
      levels.push(new Level(
          directory, path + "/", new Entries.Listed(listing), new ZipNames(child -> has(directory.child(child)))));
    } catch (VfsException | RuntimeException e) {
      listing.close();
      throw e;
    }
  }

  private boolean has(VirtualPath path) throws VfsException {
    try {
      files.lstat(path);
      return true;
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND, NAME_TOO_LONG -> false;
        default -> throw e;
      };
    }
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    if (file != null) {
      end(ClientEvent.Outcome.BROKEN);
    }
    for (Level level : levels) {
      if (level.entries() instanceof Entries.Listed(var listing)) {
        listing.close();
      }
    }
    levels.clear();
    try {
      zip.close();
    } catch (IOException e) {
      log.warn("The temporary file of a ZIP stays: {}", e.getMessage());
    }
  }
}
