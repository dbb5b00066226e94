package io.flotilla.node.cli;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;

/** A configuration document on this machine; {@code -} is standard input, kept in a private file while it is used. */
final class ConfigFile implements AutoCloseable {
  private final Path path;
  private final boolean temporary;

  private ConfigFile(Path path, boolean temporary) {
    this.path = path;
    this.temporary = temporary;
  }

  static ConfigFile open(Path file) throws IOException {
    if (!file.toString().equals("-")) {
      if (!Files.isReadable(file) || Files.isDirectory(file)) {
        throw new CommandFailedException("the file " + file + " cannot be read");
      }
      return new ConfigFile(file, false);
    }
    Path copy = Files.createTempFile("flotilla-", ".json",
        PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    ConfigFile input = new ConfigFile(copy, true);
    try (InputStream in = System.in) {
      Files.copy(in, copy, StandardCopyOption.REPLACE_EXISTING);
      return input;
    } catch (IOException e) {
      input.close();
      throw e;
    }
  }

  Path path() {
    return path;
  }

  /** Writes an answer to a file that only its owner may read; it appears under its name when it is whole. */
  static void download(AdminClient client, String what, Path file) throws IOException {
    Path absolute = file.toAbsolutePath();
    Path next = absolute.resolveSibling(absolute.getFileName() + ".next");
    Files.deleteIfExists(next);
    Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try {
      try (OutputStream out = Files.newOutputStream(next, StandardOpenOption.WRITE)) {
        client.download(what, out);
      }
      Files.move(next, absolute, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } finally {
      Files.deleteIfExists(next);
    }
  }

  @Override
  public void close() throws IOException {
    if (temporary) {
      Files.deleteIfExists(path);
    }
  }
}
