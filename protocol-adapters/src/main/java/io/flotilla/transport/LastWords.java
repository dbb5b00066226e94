package io.flotilla.transport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.util.concurrent.Semaphore;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Tells clients that are turned away why, each on a virtual thread of its own, for half a second at most. Of a hundred at once
 * those that come then are only closed. Safe for all threads.
 */
public final class LastWords {
  private static final Logger log = LoggerFactory.getLogger(LastWords.class);
  private static final int MAX_CLIENTS = 100;
  private static final int MILLISECONDS = 500;
  private static final int MAX_DRAINED = 64 * 1024;

  private final Semaphore places = new Semaphore(MAX_CLIENTS);

  /** Sends something, and closes the connection; doesn't block. */
  public void say(SocketChannel channel, byte[] words) {
    if (!places.tryAcquire()) {
      PlainTransport.close(channel);
      return;
    }
    Thread.ofVirtual().name("last-words").start(() -> {
      try (channel) {
        channel.write(ByteBuffer.wrap(words));
        channel.shutdownOutput();
        drain(channel);
      } catch (IOException e) {
        log.debug("A client that was turned away was gone already: {}", e.toString());
      } finally {
        places.release();
      }
    });
  }

  /**
   * Takes what the client still sends, for half a second and up to 64 KiB: closed with unread bytes, the connection would be reset, and the
   * client might lose what it was told.
   */
  public static void drain(SocketChannel channel) throws IOException {
    long deadline = System.nanoTime() + MILLISECONDS * 1_000_000L;
    channel.socket().setSoTimeout(MILLISECONDS);
    InputStream in = channel.socket().getInputStream();
    byte[] bytes = new byte[1024];
    int count = 0;
    for (int read = in.read(bytes); read >= 0; read = in.read(bytes)) {
      count += read;
      if (count > MAX_DRAINED || System.nanoTime() > deadline) {
        return;
      }
    }
  }
}
