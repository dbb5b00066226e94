package io.flotilla.sftp;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.interfaces.ECPublicKey;
import java.security.interfaces.RSAPublicKey;
import java.util.Set;
import java.util.TreeSet;
import org.apache.sshd.common.NamedResource;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.config.keys.writer.openssh.OpenSSHKeyPairResourceWriter;
import org.apache.sshd.common.digest.BuiltinDigests;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.util.security.SecurityUtils;

/** Makes SSH host keys and reads them from text, OpenSSH's format or PEM; never from Java serialization. Stateless. */
public final class HostKeyGenerator {
  private static final int MIN_RSA_BITS = 2048;
  private static final int MAX_TEXT = 64 * 1024;

  private HostKeyGenerator() {}

  /** What can be generated, under the names the configuration uses. */
  public enum Algorithm {
    ED25519("ed25519", KeyPairProvider.SSH_ED25519, 256),
    ECDSA_256("ecdsa-256", KeyPairProvider.ECDSA_SHA2_NISTP256, 256),
    ECDSA_384("ecdsa-384", KeyPairProvider.ECDSA_SHA2_NISTP384, 384),
    RSA_3072("rsa-3072", KeyPairProvider.SSH_RSA, 3072),
    RSA_4096("rsa-4096", KeyPairProvider.SSH_RSA, 4096);

    private final String id;
    private final String sshType;
    private final int bits;

    Algorithm(String id, String sshType, int bits) {
      this.id = id;
      this.sshType = sshType;
      this.bits = bits;
    }

    public String id() {
      return id;
    }

    /**
     * @throws IllegalArgumentException with the known names, for another one
     */
    public static Algorithm of(String id) {
      Set<String> known = new TreeSet<>();
      for (Algorithm algorithm : values()) {
        if (algorithm.id.equals(id)) {
          return algorithm;
        }
        known.add(algorithm.id);
      }
      throw new IllegalArgumentException("'" + id + "' is no host key algorithm; known are " + String.join(", ", known));
    }
  }

  /**
   * A host key as text.
   *
   * @param privateKey in OpenSSH's format; secret
   * @param publicKey one line as in known_hosts, without a host
   * @param fingerprint as ssh-keygen shows it, {@code SHA256:...}
   */
  public record HostKeyText(String privateKey, String publicKey, String fingerprint) {
    @Override
    public String toString() {
      return "HostKeyText[" + fingerprint + "]";
    }
  }

  /** A fresh key. RSA takes up to some seconds. */
  public static HostKeyText generate(Algorithm algorithm) {
    try {
      KeyPair pair = KeyUtils.generateKeyPair(algorithm.sshType, algorithm.bits);
      ByteArrayOutputStream text = new ByteArrayOutputStream();
      OpenSSHKeyPairResourceWriter.INSTANCE.writePrivateKey(pair, "flotilla", null, text);
      return new HostKeyText(text.toString(StandardCharsets.UTF_8), PublicKeyEntry.toString(pair.getPublic()),
          fingerprint(pair));
    } catch (GeneralSecurityException | IOException e) {
      throw new IllegalStateException("a host key of algorithm " + algorithm.id + " could not be made", e);
    }
  }

  /**
   * Reads one unencrypted private key.
   *
   * @throws IllegalArgumentException saying what is wrong with the text; it never quotes it
   */
  public static KeyPair read(String text) {
    if (text.length() > MAX_TEXT) {
      throw new IllegalArgumentException("the private key has over " + MAX_TEXT + " characters");
    }
    KeyPair found = null;
    try {
      Iterable<KeyPair> pairs = SecurityUtils.loadKeyPairIdentities(null, NamedResource.ofName("host key"),
          new ByteArrayInputStream(text.getBytes(StandardCharsets.UTF_8)), null);
      if (pairs != null) {
        for (KeyPair pair : pairs) {
          found = pair;
        }
      }
    } catch (GeneralSecurityException | IOException | RuntimeException e) {
      throw new IllegalArgumentException("the private key can't be read ("
          + e.getClass().getSimpleName() + "); it has to be an unencrypted OpenSSH or PEM key");
    }
    if (found == null) {
      throw new IllegalArgumentException("the text holds no OpenSSH or PEM private key");
    }
    if (found.getPublic() instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS) {
      throw new IllegalArgumentException("an RSA host key needs at least " + MIN_RSA_BITS + " bits");
    }
    return found;
  }

  /** The algorithm of a key in the configuration's words, such as {@code ecdsa-521}, also of one that is not generated. */
  public static String algorithm(KeyPair pair) {
    return switch (pair.getPublic()) {
      case RSAPublicKey rsa -> "rsa-" + rsa.getModulus().bitLength();
      case ECPublicKey ec -> "ecdsa-" + ec.getParams().getCurve().getField().getFieldSize();
      default -> Algorithm.ED25519.id();
    };
  }

  /** As ssh-keygen -l shows it. */
  public static String fingerprint(KeyPair pair) {
    return KeyUtils.getFingerPrint(BuiltinDigests.sha256, pair.getPublic());
  }
}
