package io.flotilla.http.admin;

import io.flotilla.config.model.Admin;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.view.LiveConfig;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/** Finds the admin a bearer token (RFC 6750) belongs to; every admin is compared, in constant time each. */
final class BearerAuthentication {
  private static final String SCHEME = "Bearer ";
  private static final int MAX_TOKEN_LENGTH = 512;
  private final LiveConfig live;

  BearerAuthentication(LiveConfig live) {
    this.live = live;
  }

  Optional<Admin> authenticate(HttpRequest request) {
    return request.getHeader("Authorization").map(HttpHeader::value)
        .filter(value -> value.regionMatches(true, 0, SCHEME, 0, SCHEME.length()))
        .map(value -> value.substring(SCHEME.length()).strip())
        .filter(token -> !token.isEmpty() && token.length() <= MAX_TOKEN_LENGTH)
        .flatMap(this::find);
  }

  /** Whether the admin that a long request began as still exists, with the same token. */
  boolean isStill(Admin admin) {
    return live.view().config().find(Kind.ADMINS, admin.name(), Admin.class)
        .map(now -> now.tokenHash().equals(admin.tokenHash())).orElse(false);
  }

  private Optional<Admin> find(String token) {
    byte[] hash = ClusterKey.hashToken(token).getBytes(StandardCharsets.US_ASCII);
    return live.view().config().ofKind(Kind.ADMINS).stream()
        .map(stored -> (Admin) stored.entity())
        .filter(admin -> admin.tokenHash()
            .map(known -> MessageDigest.isEqual(hash, known.reveal().getBytes(StandardCharsets.US_ASCII)))
            .orElse(false))
        .reduce((first, second) -> first);
  }
}
