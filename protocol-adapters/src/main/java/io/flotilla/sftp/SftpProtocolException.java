package io.flotilla.sftp;

/** The client sent what is no SFTP; the channel can't go on. */
final class SftpProtocolException extends Exception {
  SftpProtocolException(String message) {
    super(message);
  }
}
