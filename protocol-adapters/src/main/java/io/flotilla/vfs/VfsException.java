package io.flotilla.vfs;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryNotEmptyException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemLoopException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/**
 * A file operation that failed. The message names at most a virtual path, never a path on the server. It has no stack trace: most are
 * answers to a client, of which looking whether a name is free gives several for each upload.
 */
public final class VfsException extends IOException {
  private final VfsError error;
  private final transient VirtualPath path; // null if none is meant
  private final String reason;

  public VfsException(VfsError error, String message) {
    super(message);
    this.error = error;
    this.path = null;
    this.reason = message;
  }

  public VfsException(VfsError error, VirtualPath path) {
    this(error, path, error.words());
  }

  /** @param reason a sentence part that follows the path */
  public VfsException(VfsError error, VirtualPath path, String reason) {
    super(path + ": " + reason);
    this.error = error;
    this.path = path;
    this.reason = reason;
  }

  @Override
  public Throwable fillInStackTrace() {
    return this;
  }

  /** The same failure as it is told in a tree in which this one's root is the given directory. */
  VfsException in(VirtualPath directory) {
    if (path == null || directory.isRoot()) {
      return this;
    }
    try {
      return new VfsException(error, path.under(directory), reason);
    } catch (VfsException tooLong) {
      return new VfsException(error, directory, reason);
    }
  }

  public VfsError error() {
    return error;
  }

  /**
   * Translates what java.nio throws. The original is not kept as the cause, because its message holds the path on the
   * server.
   */
  static VfsException of(IOException e, VirtualPath path) {
    return switch (e) {
      case VfsException vfs -> vfs;
      case NoSuchFileException _ -> new VfsException(VfsError.NOT_FOUND, path);
      case FileAlreadyExistsException _ -> new VfsException(VfsError.EXISTS, path);
      case DirectoryNotEmptyException _ -> new VfsException(VfsError.NOT_EMPTY, path);
      case AccessDeniedException _ -> new VfsException(VfsError.PERMISSION_DENIED, path);
      case NotDirectoryException _ -> new VfsException(VfsError.NOT_A_DIRECTORY, path);
      case FileSystemLoopException _ -> new VfsException(VfsError.TOO_MANY_LINKS, path);
      default -> new VfsException(ofMessage(String.valueOf(e.getMessage())), path);
    };
  }

  /** The JDK gives most errors of the operating system only as strerror's text. */
  private static VfsError ofMessage(String message) {
    if (message.contains("No space left")) {
      return VfsError.NO_SPACE;
    }
    if (message.contains("quota")) {
      return VfsError.QUOTA_EXCEEDED;
    }
    if (message.contains("File too large")) {
      return VfsError.TOO_LARGE;
    }
    if (message.contains("File name too long")) {
      return VfsError.NAME_TOO_LONG;
    }
    if (message.contains("Is a directory")) {
      return VfsError.IS_A_DIRECTORY;
    }
    if (message.contains("Not a directory")) {
      return VfsError.NOT_A_DIRECTORY;
    }
    if (message.contains("not empty")) {
      return VfsError.NOT_EMPTY;
    }
    if (message.contains("symbolic links")) {
      return VfsError.TOO_MANY_LINKS;
    }
    if (message.contains("Read-only")) {
      return VfsError.READ_ONLY;
    }
    if (message.contains("Too many open files")) {
      return VfsError.TOO_MANY_OPEN_FILES;
    }
    return VfsError.IO;
  }
}
