package io.flotilla.scp;

/** The client broke the protocol, or said that it gives up. The message is for it and holds no control character of its own. */
final class ScpException extends Exception {
  ScpException(String message) {
    super(message);
  }
}
