package io.flotilla.auth;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.bouncycastle.crypto.generators.Argon2BytesGenerator;
import org.bouncycastle.crypto.params.Argon2Parameters;

/**
 * An Argon2id hash in PHC string format, {@code $argon2id$v=19$m=<KiB>,t=<passes>,p=<lanes>$<salt>$<hash>} (RFC 9106).
 * Parameters out of bounds are not accepted, because an imported hash must not be able to exhaust memory or time.
 */
record Argon2Hash(int memoryKib, int passes, int lanes, byte[] salt, byte[] hash) {
  /** OWASP's recommendation: 19 MiB, two passes, one lane. */
  static final int MEMORY_KIB = 19_456;
  static final int PASSES = 2;
  static final int LANES = 1;
  static final int MAX_MEMORY_KIB = 131_072;
  static final int MAX_PASSES = 16;
  static final int MAX_LANES = 8;
  private static final int SALT_BYTES = 16;
  private static final int HASH_BYTES = 32;
  private static final int MAX_TEXT = 512;
  private static final Pattern PHC = Pattern.compile(
      "\\$argon2id\\$v=19\\$m=(\\d{1,7}),t=(\\d{1,4}),p=(\\d{1,3})\\$([A-Za-z0-9+/]{11,86})\\$([A-Za-z0-9+/]{22,86})");

  static Argon2Hash of(String password, SecureRandom random) {
    byte[] salt = new byte[SALT_BYTES];
    random.nextBytes(salt);
    return new Argon2Hash(MEMORY_KIB, PASSES, LANES, salt,
        compute(password, MEMORY_KIB, PASSES, LANES, salt, HASH_BYTES));
  }

  /** A hash that no password has, to spend the same work for a user who doesn't exist. */
  static Argon2Hash dummy(SecureRandom random) {
    byte[] salt = new byte[SALT_BYTES];
    byte[] hash = new byte[HASH_BYTES];
    random.nextBytes(salt);
    random.nextBytes(hash);
    return new Argon2Hash(MEMORY_KIB, PASSES, LANES, salt, hash);
  }

  /** Empty if the text is not such a hash or its parameters are out of bounds. */
  static Optional<Argon2Hash> parse(String phc) {
    Matcher matcher = PHC.matcher(phc);
    if (phc.length() > MAX_TEXT || !matcher.matches()) {
      return Optional.empty();
    }
    int memory = Integer.parseInt(matcher.group(1));
    int passes = Integer.parseInt(matcher.group(2));
    int lanes = Integer.parseInt(matcher.group(3));
    if (lanes < 1 || lanes > MAX_LANES || memory < 8 * lanes || memory > MAX_MEMORY_KIB
        || passes < 1 || passes > MAX_PASSES) {
      return Optional.empty();
    }
    try {
      return Optional.of(new Argon2Hash(memory, passes, lanes,
          Base64.getDecoder().decode(matcher.group(4)), Base64.getDecoder().decode(matcher.group(5))));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  boolean matches(String password) {
    return MessageDigest.isEqual(hash, compute(password, memoryKib, passes, lanes, salt, hash.length));
  }

  String toPhc() {
    Base64.Encoder base64 = Base64.getEncoder().withoutPadding();
    return "$argon2id$v=19$m=" + memoryKib + ",t=" + passes + ",p=" + lanes
        + "$" + base64.encodeToString(salt) + "$" + base64.encodeToString(hash);
  }

  @Override
  public String toString() {
    return "[secret]";
  }

  private static byte[] compute(String password, int memory, int passes, int lanes, byte[] salt, int length) {
    Argon2BytesGenerator generator = new Argon2BytesGenerator();
    generator.init(new Argon2Parameters.Builder(Argon2Parameters.ARGON2_id)
        .withVersion(Argon2Parameters.ARGON2_VERSION_13)
        .withMemoryAsKB(memory).withIterations(passes).withParallelism(lanes).withSalt(salt).build());
    byte[] result = new byte[length];
    generator.generateBytes(password.getBytes(StandardCharsets.UTF_8), result);
    return result;
  }
}
