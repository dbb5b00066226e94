package io.flotilla.http.server;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.http.Problem;
import io.flotilla.http.RequestPath;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.Materializer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The user that the requests of a connection come from, by the Basic scheme (RFC 7617): logged in by the first of them, as long as the
 * following ones name the same user and password. Used by the connection's stream only, but for {@link #isTransferring}.
 */
final class UserSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(UserSession.class);
  private static final String METHOD = "password";
  private static final String SCHEME = "Basic ";
  private static final int MAX_LOGINS = 3;

  private final HttpEngine engine;
  private final InetAddress address;
  private final Consumer<String> disconnect;
  private final Consumer<Boolean> loggedIn;
  private volatile Login login;
  private int refused;

  private record NamePassword(String name, String password) {}

  /** @param mac of the name and the password */
  private record Login(ByteBuffer mac, ClientLogins.ClientLogin client, VirtualFileSystem files) {}

  /**
   * @param disconnect ends the connection when the login no longer counts
   * @param loggedIn is told when somebody has logged in, and when nobody is any more
   */
  UserSession(HttpEngine engine, InetAddress address, Consumer<String> disconnect, Consumer<Boolean> loggedIn) {
    this.engine = engine;
    this.address = address;
    this.disconnect = disconnect;
    this.loggedIn = loggedIn;
  }

  boolean isTransferring() {
    Login present = login;
    return present != null && present.client().connection().isTransferring();
  }

  /** @param isOver whether the connection has been ended, perhaps because the user may no longer do what is asked */
  CompletionStage<HttpResponse> serve(
      HttpRequest request, FileBodies bodies, Materializer materializer, BooleanSupplier isOver) {
    Optional<HttpResponse> refusal = logIn(request);
    if (refusal.isEmpty() && isOver.getAsBoolean()) {
      refusal = Optional.of(whoAreYou("the login no longer counts"));
    }
    if (refusal.isPresent()) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer, refusal.get()));
    }
    return engine.requests.handle(new UserRequest(
        request, RequestPath.of(request), login.client().granted(), login.files(), login.client().transfers(), bodies, materializer, isOver));
  }

  /** Nothing if the request comes from a user who is logged in now. */
  private Optional<HttpResponse> logIn(HttpRequest request) {
    Optional<NamePassword> given = given(request);
    if (given.isEmpty()) {
      return Optional.of(whoAreYou("a user's name and password are needed"));
    }
    ByteBuffer mac = engine.credentials.mac(given.get().name(), given.get().password());
    if (login != null && login.mac().equals(mac)) {
      return Optional.empty();
    }
    close();
    Origin origin = new Origin(HttpAdapter.PROTOCOL, address);
    LoginResult result;
    try {
      result = engine.credentials.password(given.get().name(), given.get().password(), mac, origin);
    } catch (CompletionException e) {
      log.error("A password check failed by a defect", e);
      return Optional.of(Problem.of(500, "internal", "An internal error", "this node failed to answer; its log says why").toResponse());
    }
    return switch (result) {
      case LoginResult.Granted granted -> enter(mac, granted);
      case LoginResult.Refused refusal -> Optional.of(refused(given.get().name(), origin, refusal.reason()));
    };
  }

  private static Optional<NamePassword> given(HttpRequest request) {
    Optional<String> value = request.getHeader("Authorization").map(HttpHeader::value)
        .filter(text -> text.regionMatches(true, 0, SCHEME, 0, SCHEME.length()));
    try {
      return value.map(text -> Base64.getDecoder().decode(text.substring(SCHEME.length()).strip())).flatMap(UserSession::split);
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  private static Optional<NamePassword> split(byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      int colon = text.indexOf(':');
      return colon < 0 ? Optional.empty() : Optional.of(new NamePassword(text.substring(0, colon), text.substring(colon + 1)));
    } catch (CharacterCodingException e) {
      return Optional.empty();
    }
  }

  private Optional<HttpResponse> enter(ByteBuffer mac, LoginResult.Granted granted) {
    VirtualFileSystem files;
    try {
      files = engine.homes.open(engine.view.get(), granted.user());
    } catch (VfsException e) {
      log.error("Refused user {} from {}: {}", granted.user().name(), address.getHostAddress(), e.getMessage());
      return Optional.of(Problem.of(503, "no-home", "Not now", "the home directory is not available").toResponse());
    }
    Optional<ClientLogins.ClientLogin> entered = engine.logins.enter(granted, disconnect);
    if (entered.isEmpty()) {
      files.close();
      return Optional.of(afterDelay(Problem.of(429, "too-many-sessions", "Too many sessions",
          LoginResult.Reason.TOO_MANY_SESSIONS.words() + "; end one, or try again later").toResponse()));
    }
    login = new Login(mac, entered.get(), files);
    refused = 0;
    loggedIn.accept(true);
    return Optional.empty();
  }

  private HttpResponse refused(String name, Origin origin, LoginResult.Reason reason) {
    engine.logins.refused(origin, name, METHOD, reason);
    return afterDelay(reason == LoginResult.Reason.BUSY
        ? Problem.of(503, "busy", "Not now", "too many logins at once; try again later").toResponse()
        : whoAreYou("the name or the password is wrong, or the login is not allowed"));
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

  private static HttpResponse whoAreYou(String detail) {
    return Problem.of(401, "unauthorized", "Who are you?", detail).toResponse().removeHeader("WWW-Authenticate")
        .addHeader(RawHeader.create("WWW-Authenticate", "Basic realm=\"flotilla\", charset=\"UTF-8\""));
  }

  @Override
  public void close() {
    Login former = login;
    if (former != null) {
      login = null;
      loggedIn.accept(false);
      former.client().close();
      former.files().close(); // the last, because a storage may hang
    }
  }
}
