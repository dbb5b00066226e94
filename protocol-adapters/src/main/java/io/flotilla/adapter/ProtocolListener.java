package io.flotilla.adapter;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.util.List;

/**
 * One listener as its protocol serves it. Changes come from one thread at a time; clients are asked for by any.
 *
 * @param <O> what applies to new connections
 */
public interface ProtocolListener<O> {
  O options();

  /** For new connections; those that are there keep what they have. */
  void reconfigure(O options);

  /** Accepts on one more address; if it fails, nothing has changed. */
  void bind(InetSocketAddress address) throws IOException;

  /** Accepts no longer on an address. The clients that came by it go on. */
  void release(InetSocketAddress address);

  /** The clients there are now, logged in or not. */
  List<? extends ProtocolClient> clients();

  /** Gives the listener up, with whatever clients it still has. */
  void dispose();
}
