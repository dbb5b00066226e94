package io.flotilla.http.server;

import java.io.IOException;

/** Waits as a user's speed demands. */
public interface Pause {
  /** Waits for as many nanoseconds, not at all for 0. */
  void pause(long nanoseconds) throws IOException;
}
