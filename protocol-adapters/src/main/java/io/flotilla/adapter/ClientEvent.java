package io.flotilla.adapter;

import java.time.Instant;
import java.util.OptionalLong;

/** Something a client did, or that happened to a listener. Names and paths may hold any character: escape them. */
public sealed interface ClientEvent {
  Instant at();

  record LoginSucceeded(Instant at, String user, String protocol, String address, String method)
      implements ClientEvent {}

  record LoginFailed(Instant at, String user, String protocol, String address, String method, String reason)
      implements ClientEvent {}

  /** The end of a session that had logged in. */
  record LoggedOut(Instant at, String user, String protocol, String address) implements ClientEvent {}

  /**
   * @param path virtual
   * @param bytes that went over the wire in this transfer
   * @param milliseconds from opening to closing the file
   * @param resumeOffset where the transfer began, if not at the start of the file
   */
  record TransferFinished(Instant at, String user, String protocol, String address, String path, Direction direction,
      long bytes, long milliseconds, Outcome outcome, OptionalLong resumeOffset) implements ClientEvent {}

  /** A connection that was not let in. A flood of them is a flood of these. */
  record ConnectionRefused(Instant at, String listener, String protocol, String address, ConnectionGate.Refusal reason)
      implements ClientEvent {}

  record ListenerOpened(Instant at, String listener, String protocol, String address, int port)
      implements ClientEvent {}

  record ListenerClosed(Instant at, String listener, String protocol, String address, int port)
      implements ClientEvent {}

  record ListenerFailed(Instant at, String listener, String protocol, String problem) implements ClientEvent {}

  /** As seen by the client. */
  enum Direction { UPLOAD, DOWNLOAD }

  /** COMPLETED: the client closed the file; BROKEN: the connection ended first; FAILED: the server could not do it. */
  enum Outcome { COMPLETED, BROKEN, FAILED }
}
