package io.flotilla.node.cli;

/** A command could not do what it was asked; the message is for the person at the terminal. */
final class CommandFailedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  CommandFailedException(String message) {
    super(message);
  }
}
