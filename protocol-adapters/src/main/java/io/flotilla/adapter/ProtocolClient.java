package io.flotilla.adapter;

/** One client's connection as its protocol serves it. Safe for all threads. */
public interface ProtocolClient {
  boolean isTransferring();

  /** Ends the connection, with a reason for the client if the protocol can tell it; must not block. */
  void disconnect(String reason);
}
