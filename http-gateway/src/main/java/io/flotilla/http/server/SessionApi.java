package io.flotilla.http.server;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.http.sessions.SessionRecord;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.util.ByteString;

/**
 * The session of a client, at {@value #PATH}: POST logs in, GET tells of it, DELETE logs out; PUT to {@value #PASSWORD_PATH} changes the
 * password of its user. For one connection, on its stream's thread.
 */
final class SessionApi {
  static final String PATH = "/session";
  static final String PASSWORD_PATH = PATH + "/password";
  static final String CSRF_HEADER = "X-CSRF-Token";
  private static final String METHODS = "GET, HEAD, POST, DELETE, OPTIONS";
  private static final String METHOD = "password";
  private static final int MIN_NEW_PASSWORD = 8;
  private static final int MAX_NEW_PASSWORD = 1_000;
  private static final long MAX_BODY_BYTES = 8 * 1024;
  private static final long BODY_TIMEOUT_MILLISECONDS = 10_000;
  /** By which a load balancer finds the only node that knows a session. */
  private static final String NODE_COOKIE = "flotilla-node";

  private final HttpEngine engine;
  private final ConnectionLogin login;

  SessionApi(HttpEngine engine, ConnectionLogin login) {
    this.engine = engine;
    this.login = login;
  }

  /** What a client logs in with. */
  private record Form(String user, String password, SessionRecord.Use use) {
    static Optional<Form> read(ByteString body) {
      try {
        JsonNode json = EntityCodec.JSON.readTree(body.toArray());
        return json.path("user").isTextual() && json.path("password").isTextual()
            && (json.path("token").isMissingNode() || json.path("token").isBoolean())
            ? Optional.of(new Form(json.path("user").textValue(), json.path("password").textValue(),
                json.path("token").booleanValue() ? SessionRecord.Use.TOKEN : SessionRecord.Use.COOKIE))
            : Optional.empty();
      } catch (IOException e) {
        return Optional.empty();
      }
    }
  }

  /** What a user changes the password by. */
  private record NewPassword(String current, String wanted) {
    static Optional<NewPassword> read(ByteString body) {
      try {
        JsonNode json = EntityCodec.JSON.readTree(body.toArray());
        return json.path("current").isTextual() && json.path("new").isTextual()
            ? Optional.of(new NewPassword(json.path("current").textValue(), json.path("new").textValue())) : Optional.empty();
      } catch (IOException e) {
        return Optional.empty();
      }
    }

    /** Why it can't be the password; nothing if it can. */
    Optional<String> problem() {
      int length = wanted.codePointCount(0, wanted.length());
      return length < MIN_NEW_PASSWORD ? Optional.of("the new password has fewer than " + MIN_NEW_PASSWORD + " characters")
          : length > MAX_NEW_PASSWORD || PasswordHasher.isTooLong(wanted) ? Optional.of("the new password is too long: it may have "
              + MAX_NEW_PASSWORD + " characters and " + PasswordHasher.MAX_PASSWORD_BYTES + " bytes in UTF-8")
          : wanted.equals(current) ? Optional.of("the new password is the one that there is") : Optional.empty();
    }
  }

  /** Logs in. Other sites' pages can send forms and text, but no JSON, so nobody is logged in as somebody else without knowing it. */
  CompletionStage<HttpResponse> begin(HttpRequest request, Materializer materializer) {
    return withBody(request, materializer, "a login is JSON: {\"user\": …, \"password\": …}, and \"token\": true for a bearer token",
        body -> Form.read(body).map(form -> begin(request, form)));
  }

  /**
   * Reads a small JSON body and answers, on the connection's thread.
   *
   * @param form what the body has to be, told to whoever sends something else
   * @param answer nothing if it is something else
   */
  private static CompletionStage<HttpResponse> withBody(HttpRequest request, Materializer materializer, String form,
      Function<ByteString, Optional<HttpResponse>> answer) {
    if (!request.entity().getContentType().mediaType().equals(MediaTypes.APPLICATION_JSON)) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer,
          Problem.of(415, "unsupported-body", "This kind of body is not known here", form).toResponse()));
    }
    return request.entity().toStrict(BODY_TIMEOUT_MILLISECONDS, MAX_BODY_BYTES, materializer)
        .handle((strict, failure) -> failure == null
            ? answer.apply(strict.getData()).orElseGet(() -> RefusedException.malformed(form).toResponse())
            : RefusedException.malformed("the body did not arrive, or is longer than " + MAX_BODY_BYTES + " bytes").toResponse()
                .addHeader(Connection.create("close")))
        .thenApply(SessionApi::unstored);
  }

  /** Changes the password of a user who is logged in by a cookie; all sessions end by that, and this client gets a new one. */
  CompletionStage<HttpResponse> changePassword(HttpRequest request, Presented presented, String user, Materializer materializer) {
    if (!request.method().value().equals("PUT")) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer, notAllowed("PUT")));
    }
    if (!(presented instanceof Presented.Session session) || session.use() != SessionRecord.Use.COOKIE) {
      return CompletableFuture.completedFuture(UnreadBody.leftBy(request, materializer,
          RefusedException.conflict("a password is changed in a session with a cookie; see POST " + PATH).toResponse()));
    }
    return withBody(request, materializer, "a change of the password is JSON: {\"current\": …, \"new\": …}",
        body -> NewPassword.read(body).map(form -> changePassword(user, form)));
  }

  private HttpResponse changePassword(String user, NewPassword form) {
    Optional<String> problem = form.problem();
    if (problem.isPresent()) {
      return Problem.of(422, "invalid-password", "This can't be the password", problem.get()).toResponse();
    }
    long version = engine.view.get().config().stored(EntityKey.of(Kind.USERS, user)).map(StoredEntity::version).orElse(Operation.EXISTS);
    return switch (login.check(user, form.current())) {
      case ConnectionLogin.Check.Defect _ -> ConnectionLogin.internal();
      case ConnectionLogin.Check.Judged(LoginResult.Refused refusal) -> login.refused(user, METHOD, refusal.reason(),
          Problem.of(403, "wrong-password", "This is not allowed", "the current password is wrong").toResponse());
      case ConnectionLogin.Check.Judged(LoginResult.Granted _) -> {
        login.close(); // or the end of the session would be the end of this connection
        yield told(user, form.wanted(), engine.passwords.change(user, version, form.wanted(), login.address()).toCompletableFuture().join());
      }
    };
  }

  private HttpResponse told(String user, String password, PasswordChanges.Outcome outcome) {
    return switch (outcome) {
      case PasswordChanges.Outcome.Changed _ -> login.check(user, password) instanceof ConnectionLogin.Check.Judged(LoginResult.Granted granted)
          ? engine.sessions.begin(granted, SessionRecord.Use.COOKIE).map(this::afterChange).orElseGet(SessionApi::changed) : changed();
      case PasswordChanges.Outcome.Refused refused ->
          Problem.of(422, "refused", "The password was not changed", refused.reason()).toResponse();
      case PasswordChanges.Outcome.Unavailable unavailable ->
          Problem.of(503, "unavailable", "The password was not changed", unavailable.reason()).toResponse();
      case PasswordChanges.Outcome.Unknown unknown ->
          Problem.of(504, "outcome-unknown", "Perhaps the password was changed", unknown.reason()).toResponse();
    };
  }

  private HttpResponse afterChange(HttpSessions.Begun session) {
    session.told().toCompletableFuture().join(); // another node may be asked next
    return changed().addHeaders(cookies(session));
  }

  private static HttpResponse changed() {
    return HttpResponse.create().withStatus(StatusCodes.NO_CONTENT);
  }

  private HttpResponse begin(HttpRequest request, Form form) {
    return switch (login.check(form.user(), form.password())) {
      case ConnectionLogin.Check.Defect _ -> ConnectionLogin.internal();
      case ConnectionLogin.Check.Judged(LoginResult.Refused refusal) -> login.refused(request, form.user(), METHOD, refusal.reason());
      case ConnectionLogin.Check.Judged(LoginResult.Granted granted) -> begun(request, granted, form.use());
    };
  }

  private HttpResponse begun(HttpRequest request, LoginResult.Granted granted, SessionRecord.Use use) {
    login.close(); // or the end of a session that this connection serves would be the end of the connection
    login.proved();
    endFormer(request);
    Optional<HttpSessions.Begun> begun = engine.sessions.begin(granted, use);
    if (begun.isEmpty()) {
      return Problem.of(429, "too-many-sessions", "Too many sessions",
          "the user has logged in too often, or may not any more; go on with a session instead of beginning one for each request").toResponse();
    }
    begun.get().told().toCompletableFuture().join(); // another node may be asked next
    HttpSessions.Begun session = begun.get();
    ObjectNode json = describe(session.record(), session.secret().csrfToken());
    if (use == SessionRecord.Use.TOKEN) {
      json.put("token", session.secret().text());
    }
    return json(StatusCodes.CREATED.intValue(), json).addHeaders(use == SessionRecord.Use.TOKEN ? List.of() : cookies(session));
  }

  /** Whoever logs in anew has no use for the session that the browser still shows. */
  private void endFormer(HttpRequest request) {
    if (Presented.by(request, login.cookieName()) instanceof Presented.Session former) {
      engine.sessions.end(former.secret().id(), "its client has logged in anew");
    }
  }

  /** Answers a client that is logged in, by whatever. */
  HttpResponse answer(HttpRequest request, Presented presented, String user) {
    return unstored(switch (request.method().value()) {
      case "GET", "HEAD" -> json(StatusCodes.OK.intValue(), switch (presented) {
        case Presented.Session shown -> engine.sessions.find(shown.secret(), shown.use())
            .map(found -> describe(found.record(), shown.secret().csrfToken())).orElseGet(() -> describe(user));
        case Presented.Password _, Presented.Nothing _ -> describe(user);
      });
      case "DELETE" -> end(presented);
      case "OPTIONS" -> HttpResponse.create().withStatus(StatusCodes.NO_CONTENT).addHeader(RawHeader.create("Allow", METHODS));
      default -> notAllowed(METHODS);
    });
  }

  private static HttpResponse notAllowed(String methods) {
    return Problem.of(405, "method-not-allowed", "Not with this method", "this path takes " + methods).toResponse()
        .addHeader(RawHeader.create("Allow", methods));
  }

  private HttpResponse end(Presented presented) {
    if (!(presented instanceof Presented.Session shown)) {
      return RefusedException.conflict("there is no session to end: the request brings a password").toResponse();
    }
    login.close(); // or the end of the session would be the end of this connection
    engine.sessions.end(shown.secret().id(), "its user has logged out").toCompletableFuture().join();
    HttpResponse response = HttpResponse.create().withStatus(StatusCodes.NO_CONTENT);
    return shown.use() == SessionRecord.Use.COOKIE ? response.addHeaders(cookies("", Duration.ZERO)) : response;
  }

  private static ObjectNode describe(String user) {
    return EntityCodec.JSON.createObjectNode().put("user", user);
  }

  private ObjectNode describe(SessionRecord session, String csrfToken) {
    ObjectNode json = describe(session.user());
    if (session.use() == SessionRecord.Use.COOKIE) {
      json.put("csrfToken", csrfToken);
    }
    return json.put("id", session.id()).put("since", Instant.ofEpochMilli(session.created()).toString())
        .put("expiresAt", Instant.ofEpochMilli(session.expires()).toString())
        .put("idleTimeoutSeconds", engine.sessions.idleTimeout().toSeconds());
  }

  private List<HttpHeader> cookies(HttpSessions.Begun session) {
    return cookies(session.secret().text(), Duration.ofMillis(session.record().expires() - session.record().created()));
  }

  private List<HttpHeader> cookies(String value, Duration lifetime) {
    List<HttpHeader> cookies = new ArrayList<>();
    cookies.add(cookie(login.cookieName(), value, lifetime));
    if (!engine.sessions.isReplicated()) {
      cookies.add(cookie(NODE_COOKIE, value.isEmpty() ? "" : engine.view.get().node().name(), lifetime));
    }
    return cookies;
  }

  private HttpHeader cookie(String name, String value, Duration lifetime) {
    return RawHeader.create("Set-Cookie", name + "=" + value + "; Path=/; Max-Age=" + lifetime.toSeconds() + "; HttpOnly; SameSite=Strict"
        + (login.isSecure() ? "; Secure" : ""));
  }

  private static HttpResponse json(int status, ObjectNode json) {
    return HttpResponse.create().withStatus(status)
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, ByteString.fromString(json.toString())));
  }

  private static HttpResponse unstored(HttpResponse response) {
    return response.addHeader(RawHeader.create("Cache-Control", "no-store"))
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
  }
}
