package io.flotilla.http.sessions;

import java.nio.charset.StandardCharsets;
import java.security.InvalidKeyException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Pattern;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

/**
 * What a client shows to prove that a session is its own: 256 random bits, which only the client keeps. Immutable.
 *
 * @param text the bits in base64url
 */
public record SessionSecret(String text) {
  private static final Pattern FORM = Pattern.compile("[A-Za-z0-9_-]{43}");
  private static final int BYTES = 32;
  private static final int ID_BYTES = 16;
  private static final String CSRF = "csrf token";
  private static final SecureRandom RANDOM = new SecureRandom();

  static SessionSecret generate() {
    byte[] bytes = new byte[BYTES];
    RANDOM.nextBytes(bytes);
    return new SessionSecret(base64(bytes));
  }

  /** Nothing if no secret can look like it. */
  public static Optional<SessionSecret> parse(String text) {
    return FORM.matcher(text).matches() ? Optional.of(new SessionSecret(text)) : Optional.empty();
  }

  /** The session's id: its hash, by which the secret can't be found. */
  public String id() {
    return hash(text, ID_BYTES);
  }

  /**
   * The token that a browser's requests carry beside the cookie, to show that this server's own page makes them: made of the secret, so
   * that every node knows it and none has to keep it.
   */
  public String csrfToken() {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(text.getBytes(StandardCharsets.US_ASCII), "HmacSHA256"));
      return base64(mac.doFinal(CSRF.getBytes(StandardCharsets.US_ASCII)));
    } catch (NoSuchAlgorithmException | InvalidKeyException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  /** Takes as long for every token. */
  public boolean isCsrfToken(String given) {
    return MessageDigest.isEqual(csrfToken().getBytes(StandardCharsets.UTF_8), given.getBytes(StandardCharsets.UTF_8));
  }

  /** Some bytes of a text's SHA-256 in base64url. */
  static String hash(String text, int bytes) {
    try {
      byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return base64(Arrays.copyOf(digest, bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static String base64(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  /** Never shown by accident. */
  @Override
  public String toString() {
    return "session " + id();
  }
}
