package io.flotilla.http.server;

import io.flotilla.auth.Authenticator;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * Checks passwords, and remembers those that were right for a while: a client without a session sends its own with every
 * request, and a hash takes some tenth of a second of a processor. Neither names nor passwords are kept, only a MAC of both
 * under a key of this process. What the user may do now is judged anew each time. Safe for all threads.
 */
final class KnownCredentials {
  /** Beyond it the memory starts afresh. */
  private static final int MAX_KNOWN = 10_000;
  private static final String ALGORITHM = "HmacSHA256";

  private final Authenticator authenticator;
  private final long memoryNanos;
  private final SecretKeySpec key;
  private final Map<ByteBuffer, Known> known = new ConcurrentHashMap<>();

  private record Known(Credential credential, long since) {}

  KnownCredentials(Authenticator authenticator, Duration memory) {
    this.authenticator = authenticator;
    this.memoryNanos = memory.toNanos();
    byte[] bytes = new byte[32];
    new SecureRandom().nextBytes(bytes);
    this.key = new SecretKeySpec(bytes, ALGORITHM);
  }

  /**
   * Blocks while the password is hashed, if it has to be.
   *
   * @param mac what {@link #mac} makes of both
   */
  LoginResult password(String user, String password, ByteBuffer mac, Origin origin) {
    Known before = known.get(mac);
    if (before != null && System.nanoTime() - before.since() < memoryNanos
        && authenticator.again(user, before.credential(), origin) instanceof LoginResult.Granted granted) {
      return granted;
    }
    LoginResult result = authenticator.password(user, password, Optional.empty(), origin).join();
    if (result instanceof LoginResult.Granted granted) {
      if (known.size() >= MAX_KNOWN) {
        known.clear();
      }
      known.put(mac, new Known(granted.credential(), System.nanoTime()));
    } else {
      known.remove(mac);
    }
    return result;
  }

  /** What tells a name and its password from others, and nothing about them. */
  ByteBuffer mac(String user, String password) {
    try {
      Mac mac = Mac.getInstance(ALGORITHM);
      mac.init(key);
      byte[] name = user.getBytes(StandardCharsets.UTF_8);
      mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(name.length).flip());
      mac.update(name);
      return ByteBuffer.wrap(mac.doFinal(password.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException("every Java platform has " + ALGORITHM, e);
    }
  }
}
