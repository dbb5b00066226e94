package io.flotilla.config.model;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.SecureRandom;
import java.util.Base64;
import javax.crypto.Cipher;
import javax.crypto.SecretKey;
import javax.crypto.spec.GCMParameterSpec;

/**
 * Encrypts secrets for the journal, the wire and the boot cache (AES-256-GCM, a fresh nonce each). The entity and the
 * field are authenticated with the text, so a sealed secret cannot be moved to another entity. Safe for use by several
 * threads.
 */
public final class SecretSealer {
  private static final int NONCE_BYTES = 12;
  private static final int TAG_BITS = 128;
  private static final String FORMAT = "1";

  private final SecretKey key;
  private final String keyId;
  private final SecureRandom random = new SecureRandom();

  public SecretSealer(ClusterKey clusterKey) {
    this.key = clusterKey.derive("configuration secrets");
    this.keyId = clusterKey.id();
  }

  String keyId() {
    return keyId;
  }

  /** Seals a clear value: {@code format.key-id.base64(nonce, cipher text)}. */
  public String seal(EntityKey entity, String field, String clear) {
    byte[] nonce = new byte[NONCE_BYTES];
    random.nextBytes(nonce);
    byte[] text = run(Cipher.ENCRYPT_MODE, nonce, entity, field, clear.getBytes(StandardCharsets.UTF_8));
    byte[] sealed = ByteBuffer.allocate(NONCE_BYTES + text.length).put(nonce).put(text).array();
    return FORMAT + "." + keyId + "." + Base64.getEncoder().encodeToString(sealed);
  }

  /** Opens a sealed value; {@link SealedWithAnotherKeyException} if this cluster key did not make it. */
  public String open(EntityKey entity, String field, String sealed) {
    String[] parts = sealed.split("\\.", 3);
    if (parts.length != 3 || !parts[0].equals(FORMAT)) {
      throw new SealedWithAnotherKeyException("the secret " + field + " of " + entity + " is in an unknown format");
    }
    if (!parts[1].equals(keyId)) {
      throw new SealedWithAnotherKeyException("the secret " + field + " of " + entity + " was sealed with cluster key "
          + parts[1] + ", this node has " + keyId + "; give it the cluster's key file");
    }
    byte[] bytes;
    try {
      bytes = Base64.getDecoder().decode(parts[2]);
    } catch (IllegalArgumentException e) {
      bytes = new byte[0];
    }
    if (bytes.length < NONCE_BYTES + TAG_BITS / Byte.SIZE) {
      throw new SealedWithAnotherKeyException("the secret " + field + " of " + entity + " is damaged");
    }
    byte[] nonce = java.util.Arrays.copyOf(bytes, NONCE_BYTES);
    byte[] text = java.util.Arrays.copyOfRange(bytes, NONCE_BYTES, bytes.length);
    return new String(run(Cipher.DECRYPT_MODE, nonce, entity, field, text), StandardCharsets.UTF_8);
  }

  private byte[] run(int mode, byte[] nonce, EntityKey entity, String field, byte[] input) {
    try {
      Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
      cipher.init(mode, key, new GCMParameterSpec(TAG_BITS, nonce));
      cipher.updateAAD((entity + "#" + field).getBytes(StandardCharsets.UTF_8));
      return cipher.doFinal(input);
    } catch (GeneralSecurityException e) {
      throw new SealedWithAnotherKeyException(
          "the secret " + field + " of " + entity + " cannot be opened: it was damaged or belongs elsewhere");
    }
  }

  /** A stored secret this node cannot read. */
  public static final class SealedWithAnotherKeyException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public SealedWithAnotherKeyException(String message) {
      super(message);
    }
  }
}
