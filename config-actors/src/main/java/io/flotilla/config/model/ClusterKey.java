package io.flotilla.config.model;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.security.SecureRandom;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import javax.crypto.KDF;
import javax.crypto.Mac;
import javax.crypto.SecretKey;
import javax.crypto.spec.HKDFParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * The key all nodes of one cluster share. Made once by the forming node and kept in a file of mode 0600. Uses are
 * separated: each purpose gets a key of its own, derived by HMAC-SHA256 or, for the certificate authority, HKDF-SHA256.
 */
public final class ClusterKey {
  private static final int BYTES = 32;
  private static final byte[] AUTHORITY = "flotilla certificate authority of the cluster".getBytes(StandardCharsets.US_ASCII);
  private static final int AUTHORITY_BYTES = 48;
  private final byte[] key;

  private ClusterKey(byte[] key) {
    this.key = key;
  }

  public static ClusterKey generate() {
    byte[] key = new byte[BYTES];
    new SecureRandom().nextBytes(key);
    return new ClusterKey(key);
  }

  /** @throws GeneralSecurityException if these are not the bytes of a key */
  static ClusterKey of(byte[] bytes) throws GeneralSecurityException {
    if (bytes.length != BYTES) {
      throw new GeneralSecurityException("a cluster key has " + BYTES + " bytes");
    }
    return new ClusterKey(bytes.clone());
  }

  byte[] bytes() {
    return key.clone();
  }

  /** Reads a key file; the exception's message tells the operator what is wrong with it. */
  public static ClusterKey read(Path file) throws IOException {
    byte[] key;
    try {
      key = Base64.getDecoder().decode(Files.readString(file, StandardCharsets.US_ASCII).strip());
    } catch (IllegalArgumentException e) {
      throw new IOException("the cluster key file " + file + " is not base64 text; copy it again from a working node", e);
    }
    if (key.length != BYTES) {
      throw new IOException("the cluster key file " + file + " holds " + key.length + " bytes instead of " + BYTES
          + "; copy it again from a working node");
    }
    return new ClusterKey(key);
  }

  /** Writes the key to a file of mode 0600, synced: what is sealed with a lost key is lost. */
  public void writeTo(Path file) throws IOException {
    PrivateFile.write(file, Base64.getEncoder().encodeToString(key) + "\n");
  }

  /** Identifies the key without telling it: sixteen hexadecimal digits. */
  public String id() {
    return HexFormat.of().formatHex(hmac("key-id".getBytes(StandardCharsets.US_ASCII)), 0, 8);
  }

  /** The AES-256 key for one purpose. */
  SecretKey derive(String purpose) {
    return new SecretKeySpec(hmac(("derive:" + purpose).getBytes(StandardCharsets.UTF_8)), "AES");
  }

  /**
   * What the private key of the cluster's certificate authority is made of: 384 bits, the same on each node and known to nobody else
   * (HKDF with SHA-256, RFC 5869).
   */
  public byte[] authoritySeed() {
    try {
      return KDF.getInstance("HKDF-SHA256").deriveData(HKDFParameterSpec.ofExtract().addIKM(key).thenExpand(AUTHORITY, AUTHORITY_BYTES));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HKDF-SHA256", e);
    }
  }

  /** The SHA-256 of a token of high entropy, in hexadecimal. */
  public static String hashToken(String token) {
    try {
      return HexFormat.of().formatHex(
          MessageDigest.getInstance("SHA-256").digest(token.getBytes(StandardCharsets.UTF_8)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private byte[] hmac(byte[] text) {
    try {
      Mac mac = Mac.getInstance("HmacSHA256");
      mac.init(new SecretKeySpec(key, "HmacSHA256"));
      return mac.doFinal(text);
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has HmacSHA256", e);
    }
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ClusterKey that && MessageDigest.isEqual(key, that.key);
  }

  @Override
  public int hashCode() {
    return Arrays.hashCode(key);
  }

  @Override
  public String toString() {
    return "[cluster key " + id() + "]";
  }
}
