package io.flotilla.node.recent;

import io.flotilla.node.HostPort;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.time.Duration;

/** A stream of bytes each way to another node that has proved who it is. */
interface Link extends Closeable {
  InputStream in();

  /** Does not buffer. */
  OutputStream out();

  /** The other node's name. */
  String peer();

  /** How long a read may wait from now on. */
  void readTimeout(Duration timeout) throws IOException;

  /** Any thread may close it; whoever reads or writes then gets an IOException. */
  @Override
  void close();

  /** Opens links; blocks for the time given at most. */
  interface Dialer {
    Link dial(HostPort remoting, String service, Duration timeout) throws IOException;
  }
}
