package io.flotilla.config.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;

/**
 * The digest of a whole configuration: the sum, modulo 2^256, of the SHA-256 of each entity as committed. A change adds
 * and subtracts only what it touches, so its cost does not grow with the number of entities. It tells two honest nodes
 * whether they hold the same; it is no signature.
 */
public record ConfigDigest(long a, long b, long c, long d) {
  public static final ConfigDigest EMPTY = new ConfigDigest(0, 0, 0, 0);

  static ConfigDigest of(EntityKey key, long version, byte[] document) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update(key.toString().getBytes(StandardCharsets.UTF_8));
      sha.update(ByteBuffer.allocate(Long.BYTES + 1).put((byte) 0).putLong(version).flip());
      ByteBuffer hash = ByteBuffer.wrap(sha.digest(document));
      return new ConfigDigest(hash.getLong(), hash.getLong(), hash.getLong(), hash.getLong());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  ConfigDigest plus(ConfigDigest other) {
    long sumD = d + other.d;
    long carryD = carry(d, sumD);
    long sumC = c + other.c + carryD;
    long carryC = carryOf(c, other.c, carryD, sumC);
    long sumB = b + other.b + carryC;
    long carryB = carryOf(b, other.b, carryC, sumB);
    return new ConfigDigest(a + other.a + carryB, sumB, sumC, sumD);
  }

  ConfigDigest minus(ConfigDigest other) {
    return plus(new ConfigDigest(~other.a, ~other.b, ~other.c, ~other.d)).plus(new ConfigDigest(0, 0, 0, 1));
  }

  private static long carry(long operand, long sum) {
    return Long.compareUnsigned(sum, operand) < 0 ? 1 : 0;
  }

  private static long carryOf(long x, long y, long carryIn, long sum) {
    return carryIn == 0 ? carry(x, sum) : Long.compareUnsigned(sum, x) <= 0 ? 1 : 0;
  }

  /** Sixty-four hexadecimal digits. */
  @Override
  public String toString() {
    return HexFormat.of().formatHex(
        ByteBuffer.allocate(4 * Long.BYTES).putLong(a).putLong(b).putLong(c).putLong(d).array());
  }
}
