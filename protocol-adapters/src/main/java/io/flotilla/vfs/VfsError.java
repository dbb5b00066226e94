package io.flotilla.vfs;

/** Why a file operation failed, in words that every protocol can translate and no server path can leak into. */
public enum VfsError {
  NOT_FOUND("no such file or directory"),
  PERMISSION_DENIED("permission denied"),
  EXISTS("the name is already taken"),
  NOT_A_DIRECTORY("not a directory"),
  IS_A_DIRECTORY("it is a directory"),
  NOT_EMPTY("the directory is not empty"),
  TOO_MANY_LINKS("too many symbolic links, or a link to itself"),
  INVALID_NAME("the name is not allowed"),
  NAME_TOO_LONG("the name is too long"),
  NO_SPACE("no space left in the storage"),
  QUOTA_EXCEEDED("the disk quota is exceeded"),
  TOO_LARGE("the file would be too large"),
  READ_ONLY("the storage is read-only"),
  TOO_MANY_OPEN_FILES("the server has too many open files"),
  OTHER_DEVICE("source and target are on different devices"),
  BUSY("the file is in use"),
  NOT_ARRIVED("it has not arrived at this node yet; try again later"),
  UNSUPPORTED("the storage does not support this"),
  IO("the storage failed");

  private final String words;

  VfsError(String words) {
    this.words = words;
  }

  /** A sentence part for clients and logs. */
  public String words() {
    return words;
  }

  /** The meaning of a Linux errno value (asm-generic/errno-base.h and errno.h, the same on x86-64 and AArch64). */
  static VfsError ofErrno(int errno) {
    return switch (errno) {
      case 2 -> NOT_FOUND; // ENOENT
      case 1, 13 -> PERMISSION_DENIED; // EPERM, EACCES
      case 17 -> EXISTS; // EEXIST
      case 20 -> NOT_A_DIRECTORY; // ENOTDIR
      case 21 -> IS_A_DIRECTORY; // EISDIR
      case 39 -> NOT_EMPTY; // ENOTEMPTY
      case 31, 40 -> TOO_MANY_LINKS; // EMLINK, ELOOP
      case 18 -> OTHER_DEVICE; // EXDEV
      case 36 -> NAME_TOO_LONG; // ENAMETOOLONG
      case 28 -> NO_SPACE; // ENOSPC
      case 122 -> QUOTA_EXCEEDED; // EDQUOT
      case 27 -> TOO_LARGE; // EFBIG
      case 30 -> READ_ONLY; // EROFS
      case 23, 24 -> TOO_MANY_OPEN_FILES; // ENFILE, EMFILE
      case 11, 16, 26 -> BUSY; // EAGAIN, EBUSY, ETXTBSY
      case 22, 38, 95 -> UNSUPPORTED; // EINVAL, ENOSYS, EOPNOTSUPP
      default -> IO;
    };
  }
}
