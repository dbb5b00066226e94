package io.flotilla.http.server;

import io.flotilla.http.RequestHeaders;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.http.sessions.SessionSecret;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/** By what a request says whose it is. */
sealed interface Presented {
  /** Nothing, or nothing that can be read: a scheme that is not known here never makes anybody a user. */
  record Nothing() implements Presented {}

  /** By the Basic scheme (RFC 7617). */
  record Password(String user, String password) implements Presented {}

  /** By a session: with a cookie (RFC 6265), or by the Bearer scheme (RFC 6750). */
  record Session(SessionSecret secret, SessionRecord.Use use) implements Presented {}

  String BASIC = "Basic ";
  String BEARER = "Bearer ";

  /**
   * What a request presents; an Authorization wins over a cookie, which a browser sends by itself.
   *
   * @param cookie the name of the session's cookie
   */
  static Presented by(HttpRequest request, String cookie) {
    RequestHeaders headers = new RequestHeaders(request);
    Optional<String> authorization = headers.value("Authorization");
    return authorization.isPresent() ? of(authorization.get().strip())
        : headers.value("Cookie").flatMap(text -> session(text, cookie)).orElseGet(Nothing::new);
  }

  private static Presented of(String authorization) {
    if (authorization.regionMatches(true, 0, BASIC, 0, BASIC.length())) {
      return password(authorization.substring(BASIC.length()).strip()).orElseGet(Nothing::new);
    }
    if (authorization.regionMatches(true, 0, BEARER, 0, BEARER.length())) {
      return SessionSecret.parse(authorization.substring(BEARER.length()).strip())
          .<Presented>map(secret -> new Session(secret, SessionRecord.Use.TOKEN)).orElseGet(Nothing::new);
    }
    return new Nothing();
  }

  private static Optional<Presented> password(String encoded) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(Base64.getDecoder().decode(encoded))).toString();
      int colon = text.indexOf(':');
      return colon < 0 ? Optional.empty() : Optional.of(new Password(text.substring(0, colon), text.substring(colon + 1)));
    } catch (IllegalArgumentException | CharacterCodingException e) {
      return Optional.empty();
    }
  }

  /** Of two cookies with the name one was set by somebody else, perhaps on a neighbouring host; neither counts. */
  private static Optional<Presented> session(String cookies, String name) {
    List<String> values = new ArrayList<>();
    for (String pair : cookies.split("[;,]")) {
      int equals = pair.indexOf('=');
      if (equals > 0 && pair.substring(0, equals).strip().equals(name)) {
        values.add(pair.substring(equals + 1).strip());
      }
    }
    return values.size() == 1
        ? SessionSecret.parse(values.getFirst()).map(secret -> new Session(secret, SessionRecord.Use.COOKIE)) : Optional.empty();
  }
}
