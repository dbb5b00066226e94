package io.flotilla.http.server;

import java.io.IOException;
import org.apache.pekko.util.ByteString;

/**
 * The body of a response that is made while it is sent. It may use all that the request may, for the next request waits until this is
 * closed. Used by one thread at a time.
 */
public interface ProducedBody extends AutoCloseable {
  /**
   * Makes the next part, on the connection's thread, which it may block; asked for when the client has taken what came before.
   *
   * @param pause for keeping to the user's speed
   * @return some kilobytes; nothing at the end
   * @throws IOException if there is no whole body; the connection is then broken off, so that the client gets to know
   */
  ByteString next(Pause pause) throws IOException;

  /** It has come to its end, or is not wanted any more. Harmless if it is closed. */
  @Override
  void close();
}
