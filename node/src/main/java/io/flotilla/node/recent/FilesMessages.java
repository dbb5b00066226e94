package io.flotilla.node.recent;

import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChanges.Position;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.util.Arrays;

/** What the service of files and who uses it say to each other: a request each, and an answer. */
final class FilesMessages {
  /** The service's name. */
  static final String SERVICE = "files";
  /** Of a file, in one message. */
  static final int MAX_READ = 256 * 1024;

  private static final int OPEN = 1;
  private static final int READ = 2;
  private static final int REMOVE = 3;
  private static final int RENAME = 4;

  private static final int DONE = 0;
  private static final int ANOTHER = 1;
  private static final int FAILED = 2;

  private FilesMessages() {}

  /** What is asked for. A version is that which is meant; if it is another one, nothing is done. */
  sealed interface Request {}

  record Open(Location file, Version version) implements Request {}

  /** Of the file that was opened. */
  record Read(long position, int length) implements Request {}

  record Remove(Location entry, boolean isDirectory, Version version) implements Request {}

  record Rename(Location entry, VirtualPath to, boolean replace, boolean isDirectory, Version version) implements Request {}

  static Frame.Writer write(Request request) {
    Frame.Writer message = new Frame.Writer();
    return switch (request) {
      case Open open -> put(message.int8(OPEN), open.file()).version(open.version());
      case Read read -> message.int8(READ).int64(read.position()).int32(read.length());
      case Remove remove ->
          put(message.int8(REMOVE), remove.entry()).int8(remove.isDirectory() ? 1 : 0).version(remove.version());
      case Rename rename -> put(message.int8(RENAME), rename.entry()).path(rename.to()).int8(rename.replace() ? 1 : 0)
          .int8(rename.isDirectory() ? 1 : 0).version(rename.version());
    };
  }

  private static Frame.Writer put(Frame.Writer message, Location location) {
    return message.text(location.storage()).path(location.path());
  }

  static Request request(Frame.Reader message) throws IOException {
    int kind = message.int8();
    return switch (kind) {
      case OPEN -> new Open(location(message), message.version());
      case READ -> read(message.int64(), message.int32());
      case REMOVE -> new Remove(location(message), message.int8() == 1, message.version());
      case RENAME -> new Rename(location(message), message.path(), message.int8() == 1, message.int8() == 1, message.version());
      default -> throw new IOException("the other node asked for something that this release does not know: " + kind);
    };
  }

  private static Read read(long position, int length) throws IOException {
    if (position < 0 || length < 1 || length > MAX_READ) {
      throw new IOException("the other node asked for " + length + " bytes at " + position);
    }
    return new Read(position, length);
  }

  private static Location location(Frame.Reader message) throws IOException {
    return new Location(message.text(), message.path());
  }

  static Frame.Writer done() {
    return new Frame.Writer().int8(DONE);
  }

  /** Done, and told to whoever follows as the change at a position, or before. */
  static Frame.Writer done(Position position) {
    return done().uuid(position.incarnation()).int64(position.sequence());
  }

  /** It is another version, which was told as the change at a position, or before. */
  static Frame.Writer another(Position position) {
    return new Frame.Writer().int8(ANOTHER).uuid(position.incarnation()).int64(position.sequence());
  }

  static Frame.Writer failed(VfsException e) {
    return new Frame.Writer().int8(FAILED).text(e.error().name()).text(e.getMessage());
  }

  /**
   * Reads whether it was done; what follows in the message is left to the caller.
   *
   * @return false if it is another version
   * @throws VfsException if it failed there
   * @throws IOException of another kind if the answer can't be understood
   */
  static boolean isDone(Frame.Reader answer) throws IOException {
    int status = answer.int8();
    switch (status) {
      case DONE -> {
        return true;
      }
      case ANOTHER -> {
        return false;
      }
      case FAILED -> {
        String name = answer.text();
        String words = answer.text();
        throw new VfsException(Arrays.stream(VfsError.values()).filter(error -> error.name().equals(name)).findFirst().orElse(VfsError.IO),
            words);
      }
      default -> throw new IOException("the other node gave an answer that this release does not know: " + status);
    }
  }
}
