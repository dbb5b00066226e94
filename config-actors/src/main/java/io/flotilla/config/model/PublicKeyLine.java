package io.flotilla.config.model;

import java.math.BigInteger;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Base64;
import java.util.Optional;
import java.util.Set;

/** A public key as one line of text, as in OpenSSH's {@code authorized_keys} without options: type, base64 and comment. */
public final class PublicKeyLine {
  private static final int MAX_LENGTH = 8192;
  private static final int MIN_RSA_BITS = 2048;
  private static final String RSA = "ssh-rsa";
  private static final Set<String> AUTHORITY_TYPES = Set.of(
      RSA, "ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521");

  private PublicKeyLine() {}

  /** The key as in RFC 4253, section 6.6; nothing if the line is none, which the model refuses. */
  public static Optional<byte[]> blob(String line) {
    String[] words = line.strip().split("\\s+", 3);
    try {
      return words.length < 2 ? Optional.empty() : Optional.of(Base64.getDecoder().decode(words[1]));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  static Optional<String> problemWith(String line) {
    String[] words = line.strip().split("\\s+", 3);
    if (line.length() > MAX_LENGTH) {
      return Optional.of("has over " + MAX_LENGTH + " characters");
    }
    if (words.length < 2 || line.chars().anyMatch(c -> c < ' ')) {
      return Optional.of("must be a line such as 'ssh-ed25519 AAAA... comment'");
    }
    Optional<byte[]> blob = blob(line);
    if (blob.isEmpty()) {
      return Optional.of("the key is not base64 text");
    }
    byte[] type = words[0].getBytes(StandardCharsets.UTF_8);
    boolean sameType = blob.get().length > type.length + 4 && Arrays.equals(blob.get(), 4, 4 + type.length, type, 0, type.length);
    return sameType ? Optional.empty() : Optional.of("the key is not of the type " + words[0] + " that it names");
  }

  /** The same for a key that is to sign certificates. */
  static Optional<String> problemWithAuthority(String line) {
    Optional<String> problem = problemWith(line);
    if (problem.isPresent()) {
      return problem;
    }
    String type = line.strip().split("\\s+", 3)[0];
    if (!AUTHORITY_TYPES.contains(type)) {
      return Optional.of("must be a public key of the type ssh-ed25519, ecdsa-sha2-nistp256, ecdsa-sha2-nistp384, "
          + "ecdsa-sha2-nistp521 or ssh-rsa");
    }
    return type.equals(RSA) && rsaBits(blob(line).orElseThrow()) < MIN_RSA_BITS
        ? Optional.of("an RSA key needs " + MIN_RSA_BITS + " bits") : Optional.empty();
  }

  /** 0 if the key can't be read. */
  private static int rsaBits(byte[] blob) {
    ByteBuffer in = ByteBuffer.wrap(blob);
    try {
      field(in); // the type
      field(in); // the exponent
      return new BigInteger(field(in)).bitLength();
    } catch (BufferUnderflowException | NumberFormatException e) {
      return 0;
    }
  }

  private static byte[] field(ByteBuffer in) {
    int length = in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    byte[] bytes = new byte[length];
    in.get(bytes);
    return bytes;
  }
}
