package io.flotilla.http.server;

import io.flotilla.adapter.AcceptingListener;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.config.model.Listener;
import io.flotilla.http.RefusedException;
import io.flotilla.http.server.ConnectionStage.Arrival;
import io.flotilla.http.sessions.Served;
import io.flotilla.tls.TlsServer;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TlsTransport;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.VfsException;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import javax.net.ssl.SSLSession;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.ActorAttributes;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection. Its own thread reads from the socket, as much as is asked for; its stream, one thread at a time, serves
 * requests and writes responses. {@link #watch}, {@link #disconnect}, {@link #endAfterResponse} and {@link #kill} may be called by any
 * thread and never block.
 */
final class HttpConnection implements AcceptingListener.Client, Served {
  private static final Logger log = LoggerFactory.getLogger(HttpConnection.class);
  private static final String APPLICATION_PROTOCOL = "http/1.1";
  /** Of a head, or of a body that goes through the stream. */
  private static final int READ_BYTES = 8 * 1024;
  private static final int MAX_DRAINED = 64 * 1024;

  private final HttpListener listener;
  private final HttpEngine engine;
  /** Whose the connection is, or its proxy's. */
  private final InetSocketAddress peer;
  private final boolean isProxied;
  private final ConnectionGate.Admitted admitted;
  private final Transport transport;
  private final ConnectionTimeouts timeouts;
  private final ConnectionOutput output;
  /** What is known before there is a request. */
  private final Forwarded.Origin origin;
  private final ConnectionLogin login;

  // Between the two threads.
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Semaphore wanted = new Semaphore(0);
  private final AtomicReference<IncomingBody> armed = new AtomicReference<>();
  private volatile Consumer<Arrival> arrivals;
  private volatile boolean streamEnded;

  // Of the stream.
  private Runnable bodyStopped = () -> { };

  // For the timer and others that end it.
  private final AtomicBoolean ending = new AtomicBoolean();
  private volatile Runnable endRequests = () -> { };
  private volatile Runnable fileSent = () -> { };
  private volatile Consumer<IOException> bodyFailed = _ -> { };
  private volatile boolean isDisconnected;

  /** @param admitted closed with the connection; if this throws, by the caller */
  HttpConnection(HttpListener listener, HttpEngine engine, Incoming incoming, ConnectionGate.Admitted admitted,
      HttpListener.Options options) {
    SocketChannel channel = incoming.channel();
    this.listener = listener;
    this.engine = engine;
    this.peer = incoming.client();
    this.isProxied = incoming.isProxied();
    this.admitted = admitted;
    this.transport = options.tls().<Transport>map(tls -> TlsTransport.large(
        channel, TlsServer.engine(tls.context(), APPLICATION_PROTOCOL), engine.buffers, false)
        .after(incoming.early())).orElseGet(() -> new PlainTransport(channel, incoming.early()));
    this.timeouts = new ConnectionTimeouts(engine.settings);
    this.output = new ConnectionOutput(channel, transport, engine.buffers, timeouts, this::pause, this::sent);
    this.origin = new Forwarded.Origin(peer.getAddress(), options.tls().isPresent());
    this.login = new ConnectionLogin(engine, origin, () -> listener.options().isForGuests(), this, this::loggedIn);
  }

  /** Serves the client until one side ends it. */
  @Override
  public void run() {
    try {
      if (transport instanceof TlsTransport tls) {
        tls.handshake();
      }
      Flow.fromGraph(new RequestStage(this))
          .join(engine.layer.join(Flow.fromGraph(new ConnectionStage(this, tlsSession()))))
          .addAttributes(ActorAttributes.dispatcher(HttpEngine.DISPATCHER))
          .run(SystemMaterializer.get(engine.system).materializer());
      started.await();
      read();
      drain();
    } catch (IOException e) {
      log.debug("The connection of {} broke: {}", peer, e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException | OutOfMemoryError e) {
      log.error("The connection of {} failed by a defect", peer, e);
    } finally {
      close();
    }
  }

  private SSLSession tlsSession() {
    return transport instanceof TlsTransport tls ? tls.session() : ConnectionStage.NoTls.SESSION;
  }

  // What its own thread does.

  private void read() throws InterruptedException {
    while (true) {
      wanted.acquire();
      if (streamEnded) {
        return;
      }
      IncomingBody body = armed.getAndSet(null);
      Arrival arrival = body == null ? next() : take(body);
      arrivals.accept(arrival);
      if (!(arrival instanceof Arrival.Bytes)) {
        ended.await();
        return;
      }
    }
  }

  /**
   * Takes what the client still sends after its last response: closed with unread bytes, the connection would be reset, and the client
   * might lose that.
   */
  private void drain() throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
    int count = 0;
    for (int read = transport.read(buffer); read >= 0 && count < MAX_DRAINED; read = transport.read(buffer.clear())) {
      count += read;
    }
  }

  private Arrival next() {
    ByteBuffer buffer = ByteBuffer.allocate(READ_BYTES);
    try {
      if (read(buffer) < 0) {
        return new Arrival.End();
      }
    } catch (EOFException e) {
      // TLS without its last word. What is being answered is whole, so a client that only stopped sending gets its answer.
      return timeouts.isBusy() && !timeouts.wantsBody() ? new Arrival.End() : new Arrival.Broken(e);
    } catch (IOException e) {
      return new Arrival.Broken(e);
    }
    if (!timeouts.isBusy() && timeouts.isHeadTooSlow(buffer.position())) {
      return new Arrival.Broken(new IOException("the head of a request came in too many small pieces"));
    }
    // Copied, because Pekko may keep it until a head or a chunk is whole.
    return new Arrival.Bytes(ByteString.fromArray(buffer.array(), 0, buffer.position()));
  }

  private int read(ByteBuffer buffer) throws IOException {
    timeouts.reading();
    int count = transport.read(buffer);
    timeouts.haveRead(count);
    return count;
  }

  /** Moves all of a body, one part ahead of the stream; the last part is returned. */
  private Arrival take(IncomingBody body) throws InterruptedException {
    ByteBuffer buffer;
    try {
      buffer = engine.buffers.take();
    } catch (TransferBuffers.ExhaustedException e) {
      return next(); // through the stream, which will ask for the rest again
    }
    try {
      ByteString part = body.move(this::readSome, buffer, this::pause);
      ByteString following = body.move(this::readSome, buffer, this::pause);
      while (!following.isEmpty()) {
        arrivals.accept(new Arrival.Bytes(part));
        wanted.acquire();
        if (streamEnded) {
          return new Arrival.End();
        }
        part = following;
        following = body.move(this::readSome, buffer, this::pause);
      }
      return new Arrival.Bytes(part);
    } catch (VfsException e) {
      bodyFailed.accept(e); // what was read is lost to the stream, so it gets no more
      return new Arrival.End();
    } catch (IOException e) {
      return new Arrival.Broken(e);
    } finally {
      engine.buffers.give(buffer);
    }
  }

  private void readSome(ByteBuffer target) throws IOException {
    if (read(target) < 0) {
      throw new EOFException("the request broke off");
    }
  }

  // What the stream does.

  void streamStarted(Consumer<Arrival> told) {
    arrivals = told;
    started.countDown();
  }

  /**
   * @param end ends it when nothing is being served
   * @param sent is told when a file has gone out
   */
  void requestsStarted(Runnable end, Runnable sent) {
    fileSent = sent;
    endRequests = end;
    if (ending.get()) {
      end.run();
    }
  }

  void demand() {
    wanted.release();
  }

  void arm(IncomingBody body) {
    armed.set(body);
  }

  void disarm() {
    armed.set(null);
  }

  /**
   * @param failed is told by the connection's thread that the storage has failed
   * @param stopped ends the body in order, if it hasn't ended
   */
  void bodyBegan(Consumer<IOException> failed, Runnable stopped) {
    bodyFailed = failed;
    bodyStopped = stopped;
    timeouts.bodyBegan();
  }

  void bodyEnded() {
    timeouts.bodyEnded();
    armed.set(null);
    bodyStopped = () -> { };
  }

  void write(ByteString bytes) throws IOException {
    output.write(bytes);
  }

  private void sent() {
    timeouts.sent();
    fileSent.run();
  }

  /** Waits as the user's speed demands. */
  void pause(long nanoseconds) throws IOException {
    if (nanoseconds > 0) {
      timeouts.pausing(nanoseconds);
      try {
        TimeUnit.NANOSECONDS.sleep(nanoseconds);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("the transfer's thread was interrupted");
      }
    }
  }

  /** A request is served from now on. */
  void began() {
    timeouts.began();
  }

  /** The next request is waited for: the one before has been answered, or there was none. */
  void isIdle() {
    if (timeouts.answered() && transport instanceof TlsTransport tls) {
      tls.restFromWriting();
    }
  }

  /** Whether a file is being sent, until which the next request has to wait. */
  boolean isSending() {
    return timeouts.isSending();
  }

  /** Whether the present request is the last one. */
  boolean isEnding() {
    return ending.get();
  }

  /** Told when somebody has logged in or is not logged in any more, or has got a session for other connections. */
  private void loggedIn(boolean now) {
    admitted.authenticated(now);
    timeouts.loggedIn(now);
  }

  /** How long it is kept when it is idle and has to end. */
  Duration endingGrace() {
    return engine.settings.endingGrace();
  }

  CompletionStage<HttpResponse> serve(HttpRequest request, Materializer materializer) {
    CompletionStage<HttpResponse> response;
    try {
      RequestBodies bodies = new RequestBodies(this, output, materializer);
      response = UnreadBody.isUseless(request) ? serveAfterBody(request, bodies, materializer) : serve(request, bodies, materializer);
    } catch (RuntimeException e) {
      response = CompletableFuture.failedFuture(e);
    }
    return response.exceptionally(defect -> {
      log.error("A request of {} failed by a defect", login.address().getHostAddress(), defect);
      return ConnectionLogin.internal()
          .addHeader(Connection.create("close"));
    });
  }

  private CompletionStage<HttpResponse> serve(HttpRequest request, FileBodies bodies, Materializer materializer) {
    HttpListener.Options options = listener.options();
    login.turnTo(isForwarded(options) ? Forwarded.of(request, origin, options.proxies(), options.forwardedBy()) : origin);
    if (!login.address().equals(origin.address()) && !listener.admits(login.address())) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer,
          RefusedException.forbidden(ConnectionGate.Refusal.DENIED.words()).toResponse()));
    }
    return login.serve(request, bodies, materializer, () -> isDisconnected);
  }

  /** A proxy that was to send a PROXY header and did not may know nothing of HTTP, and then passes on what its clients write. */
  private boolean isForwarded(HttpListener.Options options) {
    return isProxied || options.proxies().protocol() == Listener.ProxyProtocol.OFF;
  }

  private CompletionStage<HttpResponse> serveAfterBody(HttpRequest request, FileBodies bodies, Materializer materializer) {
    return bodies.collect(request, UnreadBody.MAX_USELESS_BYTES).thenCompose(collected -> switch (collected) {
      case FileBodies.Collected.Whole(var body) ->
          serve(request.withEntity(HttpEntities.create(request.entity().getContentType(), body)), bodies, materializer);
      case FileBodies.Collected.Refused(var refusal) ->
          CompletableFuture.completedFuture(refusal.toResponse().addHeader(Connection.create("close")));
    });
  }

  void streamEnded() {
    try {
      output.giveUp();
      bodyStopped.run(); // its file is about to be closed
      login.close();
      output.end();
    } catch (IOException e) {
      transport.close(); // nobody is there to be told
    } finally {
      timeouts.draining();
      streamEnded = true;
      ended.countDown();
      wanted.release();
    }
  }

  // What others do.

  void watch(long now) {
    switch (timeouts.judge(listener.options().idleTimeout(), output::unseen, now)) {
      case ConnectionTimeouts.Verdict.Keep _ -> { }
      case ConnectionTimeouts.Verdict.EndAfterResponse _ -> endAfterResponse();
      case ConnectionTimeouts.Verdict.EndTooSlow _ -> {
        HttpSettings.LeastRate least = engine.settings.leastRate();
        log.info("Ended the connection of {}, which moved less than {} bytes of a body per second for {} s", login.address().getHostAddress(),
            least.bytesPerSecond(), least.window().toSeconds());
        kill();
      }
      case ConnectionTimeouts.Verdict.End end -> {
        log.debug("The connection of {} is ended: it {}", peer, end.what());
        kill();
      }
    }
  }

  /** Whatever is served has to come to its end. */
  @Override
  public boolean isTransferring() {
    return isServing() || login.isTransferring();
  }

  @Override
  public boolean isServing() {
    return timeouts.isBusy();
  }

  /** What is being sent breaks off: HTTP has no word for it. */
  @Override
  public void disconnect(String reason) {
    isDisconnected = true;
    log.debug("The connection of {} is ended: {}", peer, reason);
    kill();
  }

  /** Ends it when the request that is being served has been answered, or the next one if it comes soon. */
  void endAfterResponse() {
    if (!ending.getAndSet(true)) {
      endRequests.run();
    }
  }

  /** Ends it at once. */
  @Override
  public void kill() {
    transport.close();
  }

  private void close() {
    transport.close();
    boolean hadStream = started.getCount() == 0;
    if (!hadStream) {
      login.close();
    } else if (!streamEnded) {
      arrivals.accept(new Arrival.Broken(new IOException("the connection was ended")));
      awaitEnd();
    }
    if (transport instanceof TlsTransport tls) {
      tls.giveBack();
    }
    admitted.close();
    listener.ended(this);
  }

  /** What the stream uses can't be given back before. */
  private void awaitEnd() {
    boolean isInterrupted = false;
    while (ended.getCount() > 0) {
      try {
        ended.await();
      } catch (InterruptedException e) {
        isInterrupted = true;
      }
    }
    if (isInterrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
