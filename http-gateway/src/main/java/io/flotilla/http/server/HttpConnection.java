package io.flotilla.http.server;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolClient;
import io.flotilla.adapter.Transfer;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.server.ConnectionStage.Arrival;
import io.flotilla.http.sessions.Served;
import io.flotilla.tls.TlsServer;
import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TlsTransport;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.ByteArrayOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.Consumer;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.ActorAttributes;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.StreamLimitReachedException;
import org.apache.pekko.stream.SystemMaterializer;
import org.apache.pekko.stream.javadsl.Flow;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's connection. Its own thread reads from the socket, as much as is asked for; its stream, one thread at a time, serves
 * requests and writes responses. {@link #watch}, {@link #disconnect}, {@link #endAfterResponse}, {@link #endAfterPresentResponse} and
 * {@link #kill} may be called by any thread and never block.
 */
final class HttpConnection implements ProtocolClient, Served {
  private static final Logger log = LoggerFactory.getLogger(HttpConnection.class);
  private static final String APPLICATION_PROTOCOL = "http/1.1";
  /** Of a head, or of a body that goes through the stream. */
  private static final int READ_BYTES = 8 * 1024;
  /** Pekko looks at all pieces of a head anew with each that comes. */
  private static final int MAX_SMALL_PIECES = 200;
  private static final int MIN_PIECE_BYTES = 64;
  private static final int SMALL_BUFFER = 8 * 1024;
  private static final int MAX_DRAINED = 64 * 1024;
  private static final Duration DRAIN = Duration.ofMillis(500);

  private final HttpListener listener;
  private final HttpEngine engine;
  private final SocketChannel channel;
  private final InetSocketAddress peer;
  private final ConnectionGate.Admitted admitted;
  private final Transport transport;
  private final ConnectionLogin login;

  // Between the two threads.
  private final CountDownLatch started = new CountDownLatch(1);
  private final CountDownLatch ended = new CountDownLatch(1);
  private final Semaphore wanted = new Semaphore(0);
  private final AtomicReference<IncomingBody> armed = new AtomicReference<>();
  private volatile Consumer<Arrival> arrivals;
  private volatile boolean streamEnded;

  // Of its own thread: what has come of a head.
  private long pieces;
  private long pieceBytes;

  // Of the stream.
  private OutgoingFile outgoing;
  /** What is being made and sent, or null. */
  private ProducedBody produced;
  private Runnable bodyStopped = () -> { };
  /** Whether what was sent is no longer what was meant, so that nothing may follow it. */
  private boolean isOutputBroken;

  // For the timer and others that end it.
  private final AtomicBoolean ending = new AtomicBoolean();
  private volatile Runnable endRequests = () -> { };
  private volatile Runnable fileSent = () -> { };
  private volatile Consumer<IOException> bodyFailed = _ -> { };
  /** Whether a request is being answered. */
  private volatile boolean isServing;
  /** Whether a file, or what is made of files, is on its way; the next request is asked for meanwhile. */
  private volatile boolean isSending;
  private volatile boolean wantsBody;
  private volatile boolean isLoggedIn;
  private volatile boolean isDisconnected;
  /** Whether its listener is closed, so that nothing new is served. */
  private volatile boolean isClosing;
  private volatile long unauthenticatedSince = System.nanoTime();
  /** Since when nothing is served; of use while nothing is. */
  private volatile long idleSince = unauthenticatedSince;
  /** When the first byte of a head came; 0 while none has. */
  private volatile long headSince;
  /** Since when the client is waited for, or 0. */
  private volatile long readingSince;
  private volatile long writingSince;
  /** When the last response went out; 0 before. */
  private volatile long drainingSince;

  /** @param admitted closed with the connection; if this throws, by the caller */
  HttpConnection(HttpListener listener, HttpEngine engine, SocketChannel channel, InetSocketAddress peer,
      ConnectionGate.Admitted admitted, HttpListener.Options options) {
    this.listener = listener;
    this.engine = engine;
    this.channel = channel;
    this.peer = peer;
    this.admitted = admitted;
    this.transport = options.tls().<Transport>map(tls -> TlsTransport.large(
        channel, TlsServer.engine(tls.context(), APPLICATION_PROTOCOL), engine.buffers, false)).orElseGet(() -> new PlainTransport(channel));
    this.login = new ConnectionLogin(engine, peer.getAddress(), options.tls().isPresent(), () -> listener.options().isForGuests(), this, this::loggedIn);
  }

  /** Serves the client until one side ends it. */
  void run() {
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
    return transport instanceof TlsTransport tls ? tls.session() : NoTls.SESSION;
  }

  /** What stands for a session where there is none. */
  private static final class NoTls {
    static final SSLSession SESSION = make();

    private static SSLSession make() {
      try {
        return SSLContext.getDefault().createSSLEngine().getSession();
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every Java platform has TLS", e);
      }
    }
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
      return (isServing || isSending) && !wantsBody ? new Arrival.End() : new Arrival.Broken(e);
    } catch (IOException e) {
      return new Arrival.Broken(e);
    }
    if (!isServing && !isSending && isTooSlow(buffer.position())) {
      return new Arrival.Broken(new IOException("the head of a request came in too many small pieces"));
    }
    // Copied, because Pekko may keep it until a head or a chunk is whole.
    return new Arrival.Bytes(ByteString.fromArray(buffer.array(), 0, buffer.position()));
  }

  /** Counts a piece of a head. */
  private boolean isTooSlow(int bytes) {
    if (headSince == 0) {
      headSince = System.nanoTime();
      pieces = 0;
      pieceBytes = 0;
    }
    pieces++;
    pieceBytes += bytes;
    return pieces > MAX_SMALL_PIECES && pieceBytes / pieces < MIN_PIECE_BYTES;
  }

  private int read(ByteBuffer buffer) throws IOException {
    readingSince = System.nanoTime();
    int count = transport.read(buffer);
    readingSince = 0;
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
    wantsBody = true;
  }

  void bodyEnded() {
    wantsBody = false;
    armed.set(null);
    bodyStopped = () -> { };
  }

  void write(ByteString bytes) throws IOException {
    if (isOutputBroken) {
      throw new IOException("what was being sent was given up");
    }
    if (outgoing != null && outgoing.send(bytes, this::send, this::pause)) {
      if (outgoing.isEnded()) {
        sent();
      }
      return;
    }
    for (ByteBuffer buffer : bytes.compact().getByteBuffers()) {
      write(buffer);
    }
  }

  private void sent() {
    idleSince = System.nanoTime();
    isSending = false;
    fileSent.run();
  }

  /** The next part of what is being made. */
  ByteString produce(ProducedBody body) throws IOException {
    if (body != produced) {
      throw new IOException("the body was given up while it was sent");
    }
    return body.next(this::pause);
  }

  /** What uses the user's files is over, so the next request may. */
  void endProduced(ProducedBody body) {
    if (body == produced) {
      giveUpProduced();
      sent();
    }
  }

  private void giveUpProduced() {
    ProducedBody former = produced;
    if (former != null) {
      produced = null;
      former.close();
    }
  }

  /** Nothing that is written from now on goes out, and the first of it ends the connection. */
  void breakOff() {
    isOutputBroken = true;
  }

  private void write(ByteBuffer buffer) throws IOException {
    while (buffer.hasRemaining()) {
      writingSince = System.nanoTime(); // for each part, so that a slow client isn't taken for a stalled one
      transport.write(buffer);
    }
    writingSince = 0;
  }

  /**
   * Sends some of a file: past this process where nothing has to be encrypted and the socket has room, else through a buffer, because only
   * that lets a virtual thread wait for the client.
   */
  private long send(OpenFile file, long position, long count) throws IOException {
    if (transport instanceof PlainTransport) {
      long sent = file.transferTo(position, count, channel);
      if (sent > 0) {
        return sent;
      }
    }
    ByteBuffer buffer = bufferForSending();
    try {
      if (file.read(buffer.limit((int) Math.min(buffer.capacity(), count)), position) <= 0) {
        throw OutgoingFile.tooShort();
      }
      int sent = buffer.flip().remaining();
      write(buffer);
      return sent;
    } finally {
      if (buffer.capacity() > SMALL_BUFFER) {
        engine.buffers.give(buffer);
      }
    }
  }

  /** Slow clients may hold all there are; the head of the response has gone out, so it is not the time to refuse anything. */
  private ByteBuffer bufferForSending() {
    try {
      return engine.buffers.take();
    } catch (TransferBuffers.ExhaustedException e) {
      return ByteBuffer.allocate(SMALL_BUFFER);
    }
  }

  /** Waits as the user's speed demands. */
  void pause(long nanoseconds) throws IOException {
    if (nanoseconds > 0) {
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
    isServing = true;
    headSince = 0;
  }

  /** The next request is waited for: the one before has been answered, or there was none. */
  void isIdle() {
    if (isServing) {
      idleSince = System.nanoTime();
      isServing = false;
      if (transport instanceof TlsTransport tls) {
        tls.restFromWriting();
      }
    }
  }

  /** Whether a file is being sent, until which the next request has to wait. */
  boolean isSending() {
    return isSending;
  }

  /** Whether the present request is the last one. */
  boolean isEnding() {
    return ending.get();
  }

  /** Told when somebody has logged in or is not logged in any more, or has got a session for other connections. */
  private void loggedIn(boolean now) {
    admitted.authenticated(now);
    isLoggedIn = now;
    unauthenticatedSince = System.nanoTime();
  }

  /** How long it is kept when it is idle and has to end. */
  Duration endingGrace() {
    return engine.settings.endingGrace();
  }

  CompletionStage<HttpResponse> serve(HttpRequest request, Materializer materializer) {
    if (isClosing) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer,
          Problem.of(503, "closing", "Not here any more", "this listener is being closed; connect anew").toResponse()));
    }
    CompletionStage<HttpResponse> response;
    try {
      response = login.serve(request, new Bodies(materializer), materializer, () -> isDisconnected);
    } catch (RuntimeException e) {
      response = CompletableFuture.failedFuture(e);
    }
    return response.exceptionally(defect -> {
      log.error("A request of {} failed by a defect", peer, defect);
      return ConnectionLogin.internal()
          .addHeader(Connection.create("close"));
    });
  }

  private final class Bodies implements FileBodies {
    private final Materializer materializer;

    Bodies(Materializer materializer) {
      this.materializer = materializer;
    }

    @Override
    public ResponseEntity send(ContentType type, OpenFile file, long offset, long length, Transfer account) {
      if (length == 0) {
        file.abandon();
        account.ended(ClientEvent.Outcome.COMPLETED);
        return HttpEntities.create(type, ByteString.emptyByteString());
      }
      giveUpOutgoing();
      outgoing = new OutgoingFile(file, offset, length, account);
      isSending = true;
      return HttpEntities.create(type, length, Source.fromGraph(new FileSource(outgoing)));
    }

    @Override
    public ResponseEntity produce(ContentType type, ProducedBody body) {
      giveUpOutgoing();
      produced = body;
      isSending = true;
      return HttpEntities.createChunked(type, Source.fromGraph(new ProducedSource(HttpConnection.this, body)));
    }

    @Override
    public CompletionStage<Collected> collect(HttpRequest request, int most) {
      RefusedException tooLarge = RefusedException.tooLarge("the body is larger than " + most + " bytes");
      if (request.entity().getContentLengthOption().orElse(0) > most) {
        return CompletableFuture.completedFuture(new Collected.Refused(tooLarge));
      }
      bodyBegan(_ -> { }, () -> { });
      return request.entity().getDataBytes().limitWeighted(most, bytes -> (long) bytes.size())
          .runFold(new ByteArrayOutputStream(), (all, bytes) -> {
            all.writeBytes(bytes.toArray());
            return all;
          }, materializer)
          .handle((all, failure) -> {
            bodyEnded();
            return failure == null ? new Collected.Whole(ByteString.fromArray(all.toByteArray()))
                : new Collected.Refused(isTooLong(failure) ? tooLarge : RefusedException.malformed("the body ended before it was whole"));
          });
    }

    private static boolean isTooLong(Throwable failure) {
      return failure instanceof StreamLimitReachedException || failure.getCause() instanceof StreamLimitReachedException;
    }

    @Override
    public CompletionStage<Long> receive(HttpRequest request, OpenFile file, long offset, Transfer account) {
      OptionalLong length = request.entity().getContentLengthOption();
      IncomingBody body = new IncomingBody(file, offset, length.orElse(Long.MAX_VALUE), account);
      return request.entity().getDataBytes().runWith(
          Sink.fromGraph(new BodySink(HttpConnection.this, body, length.isPresent())), materializer);
    }
  }

  /** What stands for a file that nobody has any more must never go out as it is. */
  private void giveUpOutgoing() {
    giveUpProduced();
    if (outgoing != null && !outgoing.isEnded()) {
      isOutputBroken |= outgoing.isOnItsWay();
      outgoing.giveUp();
    }
  }

  void streamEnded() {
    try {
      giveUpOutgoing();
      bodyStopped.run(); // its file is about to be closed
      login.close();
      writingSince = System.nanoTime();
      if (isOutputBroken) {
        PlainTransport.reset(channel); // an orderly end could be taken for that of the body
      } else {
        transport.endOutput();
      }
    } catch (IOException e) {
      transport.close(); // nobody is there to be told
    } finally {
      writingSince = 0;
      drainingSince = System.nanoTime();
      streamEnded = true;
      ended.countDown();
      wanted.release();
    }
  }

  // What others do.

  void watch(long now) {
    Duration idle = listener.options().idleTimeout();
    Duration grace = engine.settings.loginGrace();
    boolean isBusy = isServing || isSending;
    boolean isUnknown = !isLoggedIn && exceeds(unauthenticatedSince, grace, now);
    boolean stalled = exceeds(writingSince, engine.settings.stallTimeout(), now)
        || wantsBody && exceeds(readingSince, engine.settings.stallTimeout(), now);
    boolean late = isUnknown && (!isBusy || exceeds(unauthenticatedSince, grace.multipliedBy(2), now))
        || !isBusy && (exceeds(headSince, engine.settings.headTimeout(), now) || headSince == 0 && exceeds(idleSince, idle, now));
    if (stalled || late || exceeds(drainingSince, DRAIN, now)) {
      log.debug("The connection of {} is ended: it {}", peer, stalled ? "has stalled" : late ? "has been idle" : "has been told all");
      kill();
    } else if (isUnknown) {
      endAfterResponse();
    }
  }

  private static boolean exceeds(long since, Duration limit, long now) {
    return since != 0 && now - since > limit.toNanos();
  }

  /** Whatever is served has to come to its end. */
  @Override
  public boolean isTransferring() {
    return isServing() || login.isTransferring();
  }

  @Override
  public boolean isServing() {
    return isServing || isSending;
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

  /** The same, but a request that still comes is not served: its listener is closed. */
  void endAfterPresentResponse() {
    isClosing = true;
    endAfterResponse();
  }

  /** Ends it at once. */
  void kill() {
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
