package io.flotilla.http.server;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.RequestPath;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.sessions.Served;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.http.sessions.SessionSecret;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.net.InetAddress;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.Materializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The user that the requests of a connection come from: logged in by the first of them, as long as the following ones present the same.
 * Behind a load balancer the requests of a connection may be of many users and from many addresses, one after the other. Used by the
 * connection's stream only, but for {@link #isTransferring} and {@link #address}.
 */
final class ConnectionLogin implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(ConnectionLogin.class);
  private static final String METHOD = "password";
  private static final String SESSION_METHOD = "session";
  private static final int MAX_LOGINS = 3;
  /** Nobody else on this host, or on a neighbouring one, can set a cookie of this name, and it never goes in clear. */
  private static final String SECURE_COOKIE = "__Host-flotilla";
  private static final String COOKIE = "flotilla";

  private final HttpEngine engine;
  private volatile Forwarded.Origin origin;
  private final BooleanSupplier isForGuests;
  private final Served connection;
  private final Consumer<Boolean> loggedIn;
  private final SessionApi sessionApi;
  private volatile Login login;
  private int refused;

  /**
   * Who is logged in.
   *
   * @param shown what the requests have to present to be of the same user: the MAC of a name and a password, or a secret
   */
  private record Login(Object shown, Optional<HttpSessions.Found> session, ClientLogins.ClientLogin client, VirtualFileSystem files) {}

  /**
   * @param origin of its requests until {@link #turnTo} tells another
   * @param isForGuests whether the listener serves also what needs no login
   * @param connection to be ended when the login no longer counts
   * @param loggedIn is told when somebody has logged in, and when nobody is any more
   */
  ConnectionLogin(HttpEngine engine, Forwarded.Origin origin, BooleanSupplier isForGuests, Served connection,
      Consumer<Boolean> loggedIn) {
    this.engine = engine;
    this.origin = origin;
    this.isForGuests = isForGuests;
    this.connection = connection;
    this.loggedIn = loggedIn;
    this.sessionApi = new SessionApi(engine, this);
  }

  boolean isTransferring() {
    Login present = login;
    return present != null && present.client().connection().isTransferring();
  }

  String cookieName() {
    return isSecure() ? SECURE_COOKIE : COOKIE;
  }

  boolean isSecure() {
    return origin.isSecure();
  }

  InetAddress address() {
    return origin.address();
  }

  /** The next request is from there; who was logged in from another address no longer is. */
  void turnTo(Forwarded.Origin next) {
    if (!next.address().equals(origin.address())) {
      close();
      refused = 0;
    }
    origin = next;
  }

  /** @param isOver whether the connection has been ended, perhaps because the user may no longer do what is asked */
  CompletionStage<HttpResponse> serve(
      HttpRequest request, FileBodies bodies, Materializer materializer, BooleanSupplier isOver) {
    String path = RequestPath.of(request);
    Optional<HttpResponse> forGuests = engine.guests.answer(request, path, isForGuests.getAsBoolean());
    if (forGuests.isPresent()) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer, forGuests.get()));
    }
    boolean isAboutSession = path.equals(SessionApi.PATH);
    if (isAboutSession && request.method().value().equals("POST")) {
      return sessionApi.begin(request, materializer);
    }
    Presented presented = Presented.by(request, cookieName());
    Optional<HttpResponse> refusal = logIn(request, presented);
    if (refusal.isEmpty() && isOver.getAsBoolean()) {
      refusal = Optional.of(whoAreYou(request, "the login no longer counts"));
    }
    if (refusal.isEmpty() && !isMeant(request, presented)) {
      refusal = Optional.of(RefusedException.forbidden("a request with a cookie that changes something needs the header "
          + SessionApi.CSRF_HEADER + " with the session's token; GET /session tells it").toResponse());
    }
    if (refusal.isEmpty() && path.equals(SessionApi.PASSWORD_PATH)) {
      return sessionApi.changePassword(request, presented, login.client().granted().user().name(), materializer);
    }
    if (refusal.isEmpty() && isAboutSession) {
      refusal = Optional.of(sessionApi.answer(request, presented, login.client().granted().user().name()));
    }
    if (refusal.isPresent()) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer, refusal.get()));
    }
    return engine.requests.handle(new UserRequest(request, path, login.client().granted(), login.files(),
        login.client().transfers(), bodies, materializer, isOver));
  }

  /** A browser sends a cookie with whatever request another site makes it send; of the token no other site knows. */
  private boolean isMeant(HttpRequest request, Presented presented) {
    return !(presented instanceof Presented.Session session) || session.use() != SessionRecord.Use.COOKIE || !engine.requests.changes(request)
        || new RequestHeaders(request).value(SessionApi.CSRF_HEADER).filter(session.secret()::isCsrfToken).isPresent();
  }

  /** Nothing if the request comes from a user who is logged in now. */
  private Optional<HttpResponse> logIn(HttpRequest request, Presented presented) {
    return switch (presented) {
      case Presented.Nothing _ -> Optional.of(whoAreYou(request, "a user's name and password are needed, or a session"));
      case Presented.Password given -> {
        Object mac = engine.credentials.mac(given.user(), given.password());
        yield isShown(mac) ? Optional.empty() : logIn(request, given.user(), given.password(), mac);
      }
      case Presented.Session given -> {
        // Each time, because it may have ended on another node.
        Optional<HttpSessions.Found> session = engine.sessions.find(given.secret(), given.use());
        yield session.isPresent() && isShown(given.secret()) ? Optional.empty() : logIn(request, given.secret(), session);
      }
    };
  }

  private boolean isShown(Object shown) {
    return login != null && login.shown().equals(shown);
  }

  private Optional<HttpResponse> logIn(HttpRequest request, String user, String password, Object mac) {
    close();
    return switch (check(user, password)) {
      case Check.Defect _ -> Optional.of(internal());
      case Check.Judged(LoginResult.Granted granted) -> enter(mac, Optional.empty(), granted);
      case Check.Judged(LoginResult.Refused refusal) -> Optional.of(refused(request, user, METHOD, refusal.reason()));
    };
  }

  private Optional<HttpResponse> logIn(HttpRequest request, SessionSecret secret, Optional<HttpSessions.Found> session) {
    close();
    if (session.isEmpty()) {
      // As slow as for a wrong password, since whoever invents secrets makes this node ask others.
      return Optional.of(afterDelay(whoAreYou(request, "the session has ended, or there is none")));
    }
    SessionRecord record = session.get().record();
    return switch (engine.sessions.login(record, address())) {
      case LoginResult.Granted granted -> enter(secret, session, granted);
      case LoginResult.Refused refusal -> Optional.of(refused(request, record.user(), SESSION_METHOD, refusal.reason()));
    };
  }

  /** What became of a password. */
  sealed interface Check {
    record Judged(LoginResult result) implements Check {}

    record Defect() implements Check {}
  }

  /** Blocks while the password is hashed, if it has to be. */
  Check check(String user, String password) {
    try {
      return new Check.Judged(engine.credentials.password(user, password, engine.credentials.mac(user, password), origin()));
    } catch (CompletionException e) {
      log.error("A password check failed by a defect", e);
      return new Check.Defect();
    }
  }

  private Origin origin() {
    return new Origin(HttpAdapter.PROTOCOL, address());
  }

  private Optional<HttpResponse> enter(Object shown, Optional<HttpSessions.Found> session, LoginResult.Granted granted) {
    VirtualFileSystem files;
    try {
      files = engine.homes.open(engine.view.get(), granted.user());
    } catch (VfsException e) {
      log.error("Refused user {} from {}: {}", granted.user().name(), address().getHostAddress(), e.getMessage());
      return Optional.of(Problem.of(503, "no-home", "Not now", "the home directory is not available").toResponse());
    }
    Optional<ClientLogins.ClientLogin> entered = session.isPresent()
        ? engine.logins.join(granted, session.get().record().id(), connection::disconnect)
        : engine.logins.enter(granted, connection::disconnect);
    if (entered.isEmpty()) {
      files.close();
      return Optional.of(afterDelay(Problem.of(429, "too-many-sessions", "Too many sessions",
          LoginResult.Reason.TOO_MANY_SESSIONS.words() + "; end one, or try again later").toResponse()));
    }
    login = new Login(shown, session, entered.get(), files);
    session.ifPresent(found -> found.attach(connection));
    refused = 0;
    loggedIn.accept(true);
    return Optional.empty();
  }

  /** Its client has proved who it is, though this very connection may never be used as the user. */
  void proved() {
    refused = 0;
    loggedIn.accept(login != null);
  }

  /** The answer to a refused login, told as an event and held back. */
  HttpResponse refused(HttpRequest request, String user, String method, LoginResult.Reason reason) {
    return refused(user, method, reason, whoAreYou(request, "the name or the password is wrong, or the login is not allowed"));
  }

  /** @param answer unless nobody could look at the password */
  HttpResponse refused(String user, String method, LoginResult.Reason reason, HttpResponse answer) {
    engine.logins.refused(origin(), user, method, reason);
    return afterDelay(reason == LoginResult.Reason.BUSY
        ? Problem.of(503, "busy", "Not now", "too many logins at once; try again later").toResponse() : answer);
  }

  /** Holds the answer back, so that nobody can ask again and again at once; the last one ends the connection. */
  private HttpResponse afterDelay(HttpResponse response) {
    try {
      Thread.sleep(engine.settings.refusalDelay());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return ++refused < MAX_LOGINS ? response : response.addHeader(Connection.create("close"));
  }

  static HttpResponse internal() {
    return Problem.of(500, "internal", "An internal error", "this node failed to answer; its log says why").toResponse();
  }

  /** A page's own requests are not to make the browser ask for a password. */
  private HttpResponse whoAreYou(HttpRequest request, String detail) {
    Optional<HttpResponse> welcome = isForGuests.getAsBoolean()
        ? engine.guests.welcome(request, RequestPath.of(request)) : Optional.empty();
    return welcome.orElseGet(() -> unauthorized(request, detail));
  }

  private static HttpResponse unauthorized(HttpRequest request, String detail) {
    RequestHeaders headers = new RequestHeaders(request);
    // Without TLS a browser doesn't say that it is a page that asks, but the page itself does.
    boolean isOfPage = headers.value("Sec-Fetch-Dest").filter("empty"::equals).isPresent() || headers.value(SessionApi.CSRF_HEADER).isPresent();
    HttpResponse response = Problem.of(401, "unauthorized", "Who are you?", detail).toResponse(); // which names the Bearer scheme
    return isOfPage ? response
        : response.addHeader(RawHeader.create("WWW-Authenticate", "Basic realm=\"flotilla\", charset=\"UTF-8\""));
  }

  @Override
  public void close() {
    Login former = login;
    if (former != null) {
      login = null;
      loggedIn.accept(false);
      former.session().ifPresent(session -> session.detach(connection));
      former.client().close();
      former.files().close(); // the last, because a storage may hang
    }
  }
}
