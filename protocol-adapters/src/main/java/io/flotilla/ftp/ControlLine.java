package io.flotilla.ftp;

/** One line of the control connection. */
sealed interface ControlLine {
  /** What stood before the end of the line, telnet sequences taken out. */
  record Text(byte[] bytes) implements ControlLine {}

  /** A line that can't be a command; it was skipped to its end. */
  record Bad(String problem) implements ControlLine {}
}
