package io.flotilla.ftp;

import io.flotilla.adapter.LongName;
import io.flotilla.ftp.FtpCommand.Listing.Format;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.NamePattern;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.time.Instant;
import java.util.Optional;

/**
 * The lines of LIST, NLST, MLSD and STAT, one at a time: a directory of any size costs no memory. Nothing in a name ends
 * a line. Used by one thread.
 */
final class ListingLines {
  private final VirtualFileSystem files;
  private final VirtualPath directory;
  private final Optional<String> argument;
  private final Format format;
  private final MachineFacts facts;
  private final String user;
  private final Instant now = Instant.now();

  /** Takes a line without its end. */
  interface Sink {
    void line(byte[] line) throws IOException;
  }

  /**
   * @param directory that a relative path begins at
   * @param argument a path, or one whose last name is a pattern
   */
  ListingLines(VirtualFileSystem files, VirtualPath directory, Optional<String> argument, Format format,
      MachineFacts facts, String user) {
    this.files = files;
    this.directory = directory;
    this.argument = argument;
    this.format = format;
    this.facts = facts;
    this.user = user;
  }

  /** What is listed, opened so that failures show before any line. */
  sealed interface Subject extends AutoCloseable {
    @Override
    void close();
  }

  private record Directory(VirtualPath path, DirectoryListing entries, NamePattern pattern, String prefix)
      implements Subject {
    @Override
    public void close() {
      entries.close();
    }
  }

  private record Single(VirtualPath path, String shown, FileAttributes attributes) implements Subject {
    @Override
    public void close() {
      // Nothing is open.
    }
  }

  Subject open() throws VfsException {
    String text = argument.orElse("");
    VirtualPath path = directory.resolve(text);
    FileAttributes attributes;
    try {
      attributes = files.stat(path);
    } catch (VfsException e) {
      String name = path.name();
      if (e.error() != VfsError.NOT_FOUND || format == Format.MACHINE) {
        throw e;
      }
      if (NamePattern.isPattern(name)) {
        return new Directory(path.parent(), files.list(path.parent()), NamePattern.of(name),
            text.substring(0, text.lastIndexOf('/') + 1));
      }
      attributes = files.lstat(path); // a link that leads nowhere
    }
    if (attributes.isDirectory()) {
      String prefix = text.isEmpty() || text.equals(".") || text.endsWith("/") ? text : text + "/";
      return new Directory(path, files.list(path), NamePattern.ALL, prefix.equals(".") ? "" : prefix);
    }
    if (format == Format.MACHINE) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
    }
    return new Single(path, text, attributes);
  }

  void write(Subject subject, Sink sink) throws IOException {
    switch (subject) {
      case Single single -> sink.line(line(single.path(), single.shown(), single.shown(), single.attributes()));
      case Directory listed -> {
        DirectoryListing entries = listed.entries();
        for (DirectoryListing.Entry entry = entries.next(); entry != null; entry = entries.next()) {
          if (listed.pattern().matches(entry.name())) {
            sink.line(line(listed.path().child(entry.name()), entry.name(), listed.prefix() + entry.name(),
                entry.attributes()));
          }
        }
      }
    }
  }

  private byte[] line(VirtualPath path, String name, String prefixed, FileAttributes attributes) {
    return ControlWriter.nameBytes(switch (format) {
      case LONG -> LongName.of(attributes.isSymlink() ? name + linkTarget(path) : name, attributes, user, now);
      case NAMES -> prefixed;
      case MACHINE -> facts.of(attributes.isSymlink() ? followed(path, attributes) : attributes) + " " + name;
    });
  }

  private String linkTarget(VirtualPath link) {
    try {
      return " -> " + files.readSymlink(link);
    } catch (VfsException e) {
      return ""; // it has just gone, or may not be read
    }
  }

  /** Clients use what a link leads to; MLSD has no fact of its own for links. */
  private FileAttributes followed(VirtualPath path, FileAttributes link) {
    try {
      return files.stat(path);
    } catch (VfsException e) {
      return link;
    }
  }
}
