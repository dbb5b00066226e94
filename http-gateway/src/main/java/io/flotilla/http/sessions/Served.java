package io.flotilla.http.sessions;

/** A connection that serves the requests of a session. Safe for all threads; never blocks. */
public interface Served {
  /** Whether a request of the session is being served at this moment. */
  boolean isServing();

  /** Ends the connection, because the session has ended. */
  void disconnect(String reason);
}
