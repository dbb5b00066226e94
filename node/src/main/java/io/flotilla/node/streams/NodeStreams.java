package io.flotilla.node.streams;

import io.flotilla.log.LogThrottle;
import io.flotilla.node.HostPort;
import io.flotilla.tls.ClusterTls;
import io.flotilla.tls.ClusterTls.Peer;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import javax.net.ssl.SSLSocket;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Streams between nodes: each is a TCP connection to the other node's port {@link #OFFSET} after remoting, under mutual TLS, by which a
 * service of that node is asked. It belongs to the process and needs no cluster, so it goes on while the control plane comes and goes. Each
 * connection is served by a virtual thread. Safe for all threads.
 *
 * <p>After the handshake the client says {@code F L S}, a version (1), and the length and the ASCII of the service's name, one byte for the
 * length. It is answered by one byte, 0 if the service follows. Whatever that version does not have, a newer one may have under a name of
 * its own; so releases that differ understand each other.
 */
public final class NodeStreams implements AutoCloseable {
  /** Of the port, from that of remoting. */
  public static final int OFFSET = 2;

  private static final Logger log = LoggerFactory.getLogger(NodeStreams.class);
  private static final byte[] MAGIC = {'F', 'L', 'S', 1};
  private static final int MAX_NAME = 64;
  private static final int BACKLOG = 128;
  /** Of each service, so that one that is asked for much leaves the others alone. */
  private static final int MAX_STREAMS = 256;
  private static final int MAX_STREAMS_OF_ONE = 64;
  private static final int MAX_GREETINGS = 64;
  private static final Duration GREETING = Duration.ofSeconds(5);
  private static final Duration IDLE = Duration.ofSeconds(60);
  private static final Duration STUCK = Duration.ofSeconds(60);
  private static final Duration CLOSE_PATIENCE = Duration.ofSeconds(5);
  private static final String STOPS = "this node stops";
  private static final long WATCH_SECONDS = 1;
  private static final long PAUSE_MILLISECONDS = 50;

  private final ClusterTls tls;
  private final Map<String, Service> services;
  private final Duration greeting;
  private final Duration stuck;
  private final ServerSocket server;
  private final Thread acceptor;
  private final Greetings greetings = new Greetings(MAX_GREETINGS);
  /** For threads that serve those, and those who lost their place and have not noticed yet. */
  private final Semaphore greeters = new Semaphore(2 * MAX_GREETINGS);
  /** Of each service. */
  private final Map<String, Places> served = new HashMap<>();
  private final Set<NodeStream> streams = ConcurrentHashMap.newKeySet();
  private final ScheduledThreadPoolExecutor timer;
  private final LogThrottle throttle = new LogThrottle();
  private volatile boolean closed;

  /** What a node does for others. */
  public interface Service {
    /**
     * Serves one stream, on a virtual thread of its own; it is closed when this returns.
     *
     * @throws IOException if the other node is gone, or says what can't be understood
     */
    void serve(Peer peer, NodeStream stream) throws IOException;
  }

  /** The byte by which a service is answered. */
  private enum Answer {
    ACCEPTED("follows"),
    UNKNOWN_SERVICE("does not have that service; it runs another release"),
    UNKNOWN_VERSION("runs a release that begins streams otherwise"),
    FULL("serves as many streams as it may");

    private final String words;

    Answer(String words) {
      this.words = words;
    }
  }

  /** The other node can't serve this, whoever asks and however often, as long as it runs its release. */
  public static final class ServiceUnknownException extends IOException {
    private static final long serialVersionUID = 1L;

    ServiceUnknownException(String message) {
      super(message);
    }
  }

  /** A node is there, but does as much already as it may at a time. */
  public static final class BusyException extends IOException {
    private static final long serialVersionUID = 1L;

    public BusyException(String message) {
      super(message);
    }
  }

  /**
   * Opens the port.
   *
   * @param remoting this node's remoting address
   * @param services by name, of at most 64 characters in ASCII
   * @throws IOException if the port can't be opened, with words for the operator
   */
  public static NodeStreams open(HostPort remoting, ClusterTls tls, Map<String, Service> services) throws IOException {
    return open(remoting, tls, services, MAX_STREAMS, MAX_STREAMS_OF_ONE, GREETING, STUCK);
  }

  /**
   * @param maxStreams of each service that are served at a time
   * @param maxOfOne of these, for each node that asks
   * @param greeting how long somebody may take to say who and what for
   * @param stuck how long a write may get nowhere
   */
  static NodeStreams open(HostPort remoting, ClusterTls tls, Map<String, Service> services, int maxStreams, int maxOfOne,
      Duration greeting, Duration stuck)
      throws IOException {
    HostPort address = at(remoting);
    ServerSocket server = new ServerSocket();
    try {
      server.bind(new InetSocketAddress(InetAddress.getByName(address.host()), address.port()), BACKLOG);
    } catch (IOException | RuntimeException e) {
      server.close();
      throw new IOException("the port for streams between nodes, " + address + ", cannot be opened (" + e
          + "); it is the second after that of flotilla.bind: stop what uses it, or set flotilla.bind", e);
    }
    return new NodeStreams(server, tls, services, maxStreams, maxOfOne, greeting, stuck);
  }

  private NodeStreams(ServerSocket server, ClusterTls tls, Map<String, Service> services, int maxStreams, int maxOfOne, Duration greeting,
      Duration stuck) {
    this.server = server;
    this.tls = tls;
    this.services = Map.copyOf(services);
    this.greeting = greeting;
    this.stuck = stuck;
    services.keySet().forEach(name -> {
      greeting(name);
      served.put(name, new Places(maxStreams, maxOfOne));
    });
    this.timer = new ScheduledThreadPoolExecutor(1, Thread.ofPlatform().name("node-streams-timer").daemon().factory());
    timer.setRemoveOnCancelPolicy(true);
    timer.scheduleWithFixedDelay(this::cutStuck, WATCH_SECONDS, WATCH_SECONDS, TimeUnit.SECONDS);
    this.acceptor = Thread.ofPlatform().name("node-streams").daemon().start(this::accept);
  }

  private static HostPort at(HostPort remoting) {
    return remoting.withPort(remoting.port() + OFFSET);
  }

  private static byte[] greeting(String service) {
    byte[] name = service.getBytes(StandardCharsets.US_ASCII);
    if (name.length == 0 || name.length > MAX_NAME || !new String(name, StandardCharsets.US_ASCII).equals(service)) {
      throw new IllegalArgumentException("a service's name has 1 to " + MAX_NAME + " characters in ASCII, not " + service);
    }
    ByteArrayOutputStream greeting = new ByteArrayOutputStream();
    greeting.writeBytes(MAGIC);
    greeting.write(name.length);
    greeting.writeBytes(name);
    return greeting.toByteArray();
  }

  /**
   * Asks another node for a service; blocks. Who has answered is known by {@link NodeStream#peer}.
   *
   * @param remoting the other node's remoting address
   * @param timeout for all that it takes until the service begins
   * @throws ServiceUnknownException if the other node does not have it
   * @throws BusyException if it serves as many streams as it may, to all or to this node
   * @throws IOException if it can't be reached, or is no node of this cluster
   */
  public NodeStream connect(HostPort remoting, String service, Duration timeout) throws IOException {
    HostPort address = at(remoting);
    byte[] greeting = greeting(service);
    Socket connection = new Socket();
    AtomicBoolean late = new AtomicBoolean();
    Future<?> deadline = cutLater(connection, timeout, late);
    try {
      connection.connect(new InetSocketAddress(InetAddress.getByName(address.host()), address.port()), Math.toIntExact(timeout.toMillis()));
      SSLSocket secured = handshake(connection, true);
      secured.getOutputStream().write(greeting);
      accepted(secured.getInputStream().read(), address, service);
      if (!deadline.cancel(false)) {
        throw new SocketTimeoutException("just too late");
      }
      return stream(connection, secured, () -> {});
    } catch (ServiceUnknownException | BusyException e) {
      cut(connection);
      throw e;
    } catch (IOException | RuntimeException e) {
      cut(connection);
      if (late.get() || e instanceof SocketTimeoutException) {
        throw new SocketTimeoutException("the node at " + address + " did not answer within " + timeout.toMillis() + " ms");
      }
      throw new IOException("the node at " + address + " can't be asked for the service " + service + ": " + e.getMessage(), e);
    } finally {
      deadline.cancel(false);
    }
  }

  private Future<?> cutLater(Socket connection, Duration timeout, AtomicBoolean late) throws IOException {
    try {
      return timer.schedule(() -> {
        late.set(true);
        cut(connection);
      }, timeout.toMillis(), TimeUnit.MILLISECONDS);
    } catch (RejectedExecutionException e) {
      cut(connection);
      throw new IOException(STOPS, e);
    }
  }

  private static void accepted(int answer, HostPort address, String service) throws IOException {
    if (answer == -1) {
      throw new EOFException("it closed the connection");
    }
    if (answer >= Answer.values().length) {
      throw new ServiceUnknownException("the node at " + address + " refuses the service " + service + " for a reason that only a newer "
          + "release knows (" + answer + ")");
    }
    Answer known = Answer.values()[answer];
    switch (known) {
      case ACCEPTED -> { }
      case UNKNOWN_SERVICE, UNKNOWN_VERSION -> throw new ServiceUnknownException("the node at " + address + ", asked for " + service + ", "
          + known.words);
      case FULL -> throw new BusyException("the node at " + address + ", asked for " + service + ", " + known.words);
    }
  }

  private SSLSocket handshake(Socket connection, boolean isClient) throws IOException {
    connection.setTcpNoDelay(true);
    connection.setKeepAlive(true);
    connection.setSoTimeout((int) IDLE.toMillis());
    SSLSocket secured = (SSLSocket) tls.context().getSocketFactory().createSocket(
        connection, connection.getInetAddress().getHostAddress(), connection.getPort(), true);
    secured.setSSLParameters(tls.parameters());
    secured.setUseClientMode(isClient);
    secured.startHandshake();
    return secured;
  }

  private NodeStream stream(Socket connection, SSLSocket secured, Runnable whenClosed) throws IOException {
    NodeStream[] self = new NodeStream[1];
    NodeStream stream = new NodeStream(connection, secured, ClusterTls.peer(secured.getSession()), () -> {
      streams.remove(self[0]);
      whenClosed.run();
    });
    self[0] = stream;
    streams.add(stream);
    if (closed) {
      stream.cut();
      throw new IOException(STOPS);
    }
    return stream;
  }

  private void accept() {
    boolean isReported = false;
    while (!closed) {
      Socket connection;
      try {
        connection = server.accept();
        isReported = false;
      } catch (IOException e) {
        if (!closed) {
          if (!isReported) {
            log.error("Streams of other nodes can't be accepted: {}; this node tries again", e.toString());
            isReported = true;
          }
          pause();
        }
        continue;
      }
      welcome(connection);
    }
  }

  private void welcome(Socket connection) {
    InetAddress address = connection.getInetAddress();
    if (address == null || !greeters.tryAcquire()) {
      cut(connection);
      tell("{} was turned away from the port for streams between nodes: {} connections there have not said yet what they are",
          connection, 2 * MAX_GREETINGS);
      return;
    }
    try {
      greetings.add(connection, address).ifPresent(leaving -> {
        cut(leaving);
        tell("{} lost its place at the port for streams between nodes: {} connections there have not said yet what they are",
            leaving, MAX_GREETINGS);
      });
      Thread.ofVirtual().name("node-stream").start(() -> receive(connection));
    } catch (RuntimeException | OutOfMemoryError e) {
      greetings.remove(connection);
      greeters.release();
      cut(connection);
      log.error("A stream of another node was turned away: {}", e.toString());
    }
  }

  private void receive(Socket connection) {
    SSLSocket secured;
    byte[] name;
    Optional<Future<?>> deadline = Optional.empty();
    try {
      deadline = Optional.of(cutLater(connection, greeting, new AtomicBoolean()));
      secured = handshake(connection, false);
      name = readName(secured.getInputStream());
    } catch (IOException | RuntimeException e) {
      cut(connection);
      tell("{} is no node of this cluster, or was gone at once: {}", connection, e.getMessage());
      return;
    } finally {
      deadline.ifPresent(cutting -> cutting.cancel(false));
      greetings.remove(connection);
      greeters.release();
    }
    serve(connection, secured, name);
  }

  /** @return empty if the version is not known, in which what follows can't be read */
  private static byte[] readName(InputStream in) throws IOException {
    byte[] magic = in.readNBytes(MAGIC.length);
    if (magic.length < MAGIC.length || magic[0] != MAGIC[0] || magic[1] != MAGIC[1] || magic[2] != MAGIC[2]) {
      throw new IOException("it does not begin as a stream between nodes does");
    }
    if (magic[3] != MAGIC[3]) {
      return new byte[0];
    }
    int length = in.read();
    if (length < 1 || length > MAX_NAME) {
      throw new IOException("it names no service");
    }
    byte[] name = in.readNBytes(length);
    if (name.length < length) {
      throw new EOFException("it ended in the name of a service");
    }
    return name;
  }

  private void serve(Socket connection, SSLSocket secured, byte[] name) {
    String asked = new String(name, StandardCharsets.US_ASCII);
    AtomicReference<Runnable> release = new AtomicReference<>(() -> { });
    try (NodeStream stream = stream(connection, secured, () -> release.getAndSet(() -> { }).run())) {
      Service service = services.get(asked);
      String node = stream.peer().name();
      boolean isServed = service != null && served.get(asked).take(node);
      if (isServed) {
        release.set(() -> served.get(asked).giveBack(node));
      }
      Answer answer = name.length == 0 ? Answer.UNKNOWN_VERSION : service == null ? Answer.UNKNOWN_SERVICE
          : isServed ? Answer.ACCEPTED : Answer.FULL;
      if (answer == Answer.FULL) {
        tell("{} was refused a stream of the service {}: as many are served as may be, to all or to this node", connection, asked);
      }
      stream.out().write(answer.ordinal());
      if (answer == Answer.ACCEPTED) {
        service.serve(stream.peer(), stream);
      }
    } catch (IOException e) {
      log.debug("A stream of {} ended: {}", connection.getInetAddress(), e.toString());
    } catch (RuntimeException e) {
      log.error("A stream of {} failed", connection.getInetAddress(), e);
    } finally {
      release.getAndSet(() -> { }).run();
      cut(connection);
    }
  }

  private void tell(String words, Socket connection, Object detail) {
    if (throttle.isDue()) {
      InetAddress from = connection.getInetAddress();
      log.info(words, from == null ? "somebody" : from.getHostAddress(), detail);
    }
  }

  private void cutStuck() {
    long now = System.nanoTime();
    for (NodeStream stream : streams) {
      if (stream.isStuck(now, stuck)) {
        log.info("A stream with {} is cut off: it took nothing for {} s", stream.peer(), stuck.toSeconds());
        stream.cut();
      }
    }
  }

  private static void cut(Socket connection) {
    try {
      connection.close();
    } catch (IOException e) {
      log.debug("A connection was not closed cleanly", e);
    }
  }

  /** When descriptors are used up, accepting fails at once and for a while. */
  private static void pause() {
    try {
      TimeUnit.MILLISECONDS.sleep(PAUSE_MILLISECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Gives the port back and cuts off all streams, those that this node opened, too. */
  @Override
  public void close() {
    closed = true;
    try {
      server.close();
      acceptor.join(CLOSE_PATIENCE);
    } catch (IOException e) {
      log.debug("The port for streams between nodes was not closed cleanly", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    greetings.close().forEach(NodeStreams::cut);
    Set.copyOf(streams).forEach(NodeStream::cut);
    timer.shutdownNow();
  }
}
