package io.flotilla.sftp;

import io.flotilla.vfs.VfsError;

/** The status codes of section 7. */
enum SftpStatus {
  OK(0), EOF(1), NO_SUCH_FILE(2), PERMISSION_DENIED(3), FAILURE(4), BAD_MESSAGE(5), UNSUPPORTED(8);

  private final int code;

  SftpStatus(int code) {
    this.code = code;
  }

  int code() {
    return code;
  }

  static SftpStatus of(VfsError error) {
    return switch (error) {
      case NOT_FOUND, NOT_A_DIRECTORY -> NO_SUCH_FILE; // as OpenSSH maps ENOTDIR
      case PERMISSION_DENIED, READ_ONLY -> PERMISSION_DENIED;
      case UNSUPPORTED, EXISTS, IS_A_DIRECTORY, NOT_EMPTY, TOO_MANY_LINKS, INVALID_NAME, NAME_TOO_LONG, NO_SPACE,
          QUOTA_EXCEEDED, TOO_LARGE, TOO_MANY_OPEN_FILES, OTHER_DEVICE, BUSY, NOT_ARRIVED, IO -> FAILURE;
    };
  }
}
