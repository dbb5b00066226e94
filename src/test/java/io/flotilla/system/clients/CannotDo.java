package io.flotilla.system.clients;

/** What a client has no way to do, whatever the server; the message is the reason, as its manual or a trial tells. */
public final class CannotDo extends RuntimeException {
  private static final long serialVersionUID = 1;

  CannotDo(String reason) {
    super(reason);
  }
}
