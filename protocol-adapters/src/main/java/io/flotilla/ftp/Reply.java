package io.flotilla.ftp;

import io.flotilla.adapter.TerminalText;
import io.flotilla.vfs.VfsException;

/** A reply of one line. */
record Reply(int code, String text) {
  /** What a failed file operation is to FTP. Its message holds virtual paths only; it is made harmless for terminals. */
  static Reply of(VfsException e) {
    int code = switch (e.error()) {
      case NOT_FOUND, PERMISSION_DENIED, EXISTS, NOT_A_DIRECTORY, IS_A_DIRECTORY, NOT_EMPTY, TOO_MANY_LINKS, READ_ONLY,
          UNSUPPORTED -> 550;
      case INVALID_NAME, NAME_TOO_LONG, OTHER_DEVICE -> 553;
      case NO_SPACE -> 452;
      case QUOTA_EXCEEDED, TOO_LARGE -> 552;
      case TOO_MANY_OPEN_FILES, BUSY, NOT_ARRIVED -> 450;
      case IO -> 451;
    };
    return new Reply(code, TerminalText.of(e.getMessage()));
  }
}
