package io.flotilla.node;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers each connection with one line and closes it: HAProxy's agent-check. Nobody is read from or waited for, and one thread answers one
 * after the other, so that many connections, or slow ones, cost a node nothing else. A port that is taken is tried again.
 */
final class LoadBalancerAgent implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(LoadBalancerAgent.class);
  private static final int BACKLOG = 128;
  private static final long RETRY_SECONDS = 3;
  private static final long KEPT_NANOSECONDS = 100_000_000;
  private static final long PAUSE_MILLISECONDS = 50;

  private final InetSocketAddress address;
  private final Supplier<String> words;
  private final Thread thread;
  private volatile ServerSocketChannel server;
  private volatile boolean closed;
  private boolean hasComplained;
  private byte[] line = {};
  private long lineNanos;

  /** @param words what to answer, without the end of the line; asked for ten times a second at most */
  LoadBalancerAgent(InetSocketAddress address, Supplier<String> words) {
    this.address = address;
    this.words = words;
    this.thread = Thread.ofPlatform().name("load-balancer-agent").daemon().start(this::run);
  }

  private void run() {
    try {
      while (!closed) {
        try (ServerSocketChannel opened = ServerSocketChannel.open()) {
          opened.setOption(StandardSocketOptions.SO_REUSEADDR, true);
          // A name that could not be looked up may be known by now.
          opened.bind(address.isUnresolved() ? new InetSocketAddress(address.getHostString(), address.getPort()) : address, BACKLOG);
          server = opened;
          hasComplained = false;
          log.info("Load balancers are answered on {}:{}", address.getHostString(), address.getPort());
          answerAll(opened);
        } catch (IOException | RuntimeException e) {
          complain(e);
          TimeUnit.SECONDS.sleep(RETRY_SECONDS);
        }
      }
    } catch (InterruptedException e) {
      log.debug("The agent for load balancers ends");
    }
  }

  private void complain(Exception e) {
    if (!closed && !hasComplained) {
      log.error("Load balancers can't be answered on {}:{} ({}). Stop what uses the port, or set flotilla.agent.port; it is tried again.",
          address.getHostString(), address.getPort(), e.toString());
      hasComplained = true;
    }
  }

  private void answerAll(ServerSocketChannel opened) throws IOException, InterruptedException {
    while (!closed && opened.isOpen()) {
      SocketChannel channel;
      try {
        channel = opened.accept();
      } catch (IOException e) {
        if (opened.isOpen()) { // descriptors may be used up for a while
          TimeUnit.MILLISECONDS.sleep(PAUSE_MILLISECONDS);
          continue;
        }
        throw e;
      }
      try (channel) {
        channel.configureBlocking(false);
        channel.write(ByteBuffer.wrap(line()));
        channel.shutdownOutput();
      } catch (IOException e) {
        log.debug("A load balancer was gone at once: {}", e.toString());
      }
    }
  }

  private byte[] line() {
    long now = System.nanoTime();
    if (line.length == 0 || now - lineNanos > KEPT_NANOSECONDS) {
      line = (words.get() + "\n").getBytes(StandardCharsets.US_ASCII);
      lineNanos = now;
    }
    return line;
  }

  @Override
  public void close() {
    closed = true;
    ServerSocketChannel opened = server;
    try {
      if (opened != null) {
        opened.close();
      }
    } catch (IOException e) {
      log.debug("The agent's port was not closed cleanly", e);
    }
    thread.interrupt();
  }
}
