package io.flotilla.config.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Gives one node the cluster's key, until a time. The cluster keeps nothing of it: its secret follows from the key, its id and its time. Both
 * sides prove that they know the secret, and what is said can be heard by anybody, so it may go over connections of which nobody knows
 * to whom they lead. That it is used once only is a claim, and not told here. Immutable.
 */
public final class JoinToken {
  private static final String MARK = "flj1-";
  private static final int ID_BYTES = 12;
  private static final int NONCE_BYTES = 32;
  private static final int MAX_ADDRESSES = 16;
  private static final int MAX_LENGTH = 8192;
  private static final String HMAC = "HmacSHA256";

  private final String id;
  private final long expires;
  private final List<String> addresses;
  private final byte[] secret;

  private JoinToken(String id, long expires, List<String> addresses, byte[] secret) {
    this.id = id;
    this.expires = expires;
    this.addresses = addresses;
    this.secret = secret;
  }

  /**
   * What a node says that wants to join.
   *
   * @param expires of the token, in seconds since 1970
   * @param node its name
   * @param nonce never used before
   * @param proof that it knows the token's secret
   */
  public record Ask(String id, long expires, String node, byte[] nonce, byte[] proof) {}

  /**
   * What it is answered.
   *
   * @param nonce never used before
   * @param sealedKey the cluster's key, for whoever knows the token's secret
   */
  public record Answer(byte[] nonce, byte[] sealedKey) {}

  /** @param addresses of the admin API, by which the cluster can be asked, the first first */
  public static JoinToken create(ClusterKey key, Instant expiresAt, List<String> addresses) {
    if (addresses.isEmpty() || addresses.size() > MAX_ADDRESSES) {
      throw new IllegalArgumentException("a token names 1 to " + MAX_ADDRESSES + " addresses");
    }
    byte[] id = new byte[ID_BYTES];
    new SecureRandom().nextBytes(id);
    return of(key, text(id), expiresAt.getEpochSecond(), addresses);
  }

  private static JoinToken of(ClusterKey key, String id, long expires, List<String> addresses) {
    return new JoinToken(id, expires, List.copyOf(addresses), key.derive("join-token:" + id + ":" + expires).getEncoded());
  }

  /** Throws IllegalArgumentException with words for whoever gave the text. */
  public static JoinToken parse(String text) {
    if (!text.startsWith(MARK) || text.length() > MAX_LENGTH) {
      throw new IllegalArgumentException("the join token is none: it begins with " + MARK + "; copy it whole");
    }
    try {
      JsonNode json = EntityCodec.JSON.readTree(bytes(text.substring(MARK.length())));
      List<String> addresses = new ArrayList<>();
      json.path("addresses").forEach(address -> addresses.add(address.asText()));
      byte[] secret = bytes(json.path("secret").asText());
      if (secret.length != 32 || addresses.isEmpty() || !json.path("expires").isIntegralNumber()) {
        throw new IllegalArgumentException("fields are missing");
      }
      return new JoinToken(json.path("id").asText(), json.path("expires").longValue(), List.copyOf(addresses), secret);
    } catch (IOException | IllegalArgumentException e) {
      throw new IllegalArgumentException("the join token is damaged; copy it whole", e);
    }
  }

  /** For the operator; whoever has it can have the cluster's key. */
  public String text() {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("id", id).put("expires", expires).put("secret", text(secret));
    addresses.forEach(json.putArray("addresses")::add);
    return MARK + text(json.toString().getBytes(StandardCharsets.UTF_8));
  }

  public String id() {
    return id;
  }

  public Instant expiresAt() {
    return Instant.ofEpochSecond(expires);
  }

  public List<String> addresses() {
    return addresses;
  }

  // The node that joins.

  public Ask ask(String node) {
    byte[] nonce = nonce();
    return new Ask(id, expires, node, nonce, proof(node, nonce));
  }

  /** The cluster's key; nothing if the answer comes from nobody who knows the secret. */
  public Optional<ClusterKey> open(Ask asked, Answer answer) {
    try {
      return Optional.of(ClusterKey.of(cipher(Cipher.DECRYPT_MODE, asked, answer.nonce()).doFinal(answer.sealedKey())));
    } catch (GeneralSecurityException e) {
      return Optional.empty();
    }
  }

  // The cluster.

  /** The answer to a node that has a token of this cluster, whatever the time; nothing for any other. */
  public static Optional<Answer> answer(ClusterKey key, Ask ask) {
    JoinToken token = of(key, ask.id(), ask.expires(), List.of());
    if (ask.nonce().length != NONCE_BYTES || !MessageDigest.isEqual(token.proof(ask.node(), ask.nonce()), ask.proof())) {
      return Optional.empty();
    }
    byte[] nonce = nonce();
    try {
      return Optional.of(new Answer(nonce, token.cipher(Cipher.ENCRYPT_MODE, ask, nonce).doFinal(key.bytes())));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has AES-GCM", e);
    }
  }

  private byte[] proof(String node, byte[] nonce) {
    return hmac("ask", node.getBytes(StandardCharsets.UTF_8), nonce);
  }

  /** Each answer is sealed with a key of its own. */
  private Cipher cipher(int mode, Ask ask, byte[] nonce) throws GeneralSecurityException {
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, new SecretKeySpec(hmac("answer", ask.nonce(), nonce), "AES"), new GCMParameterSpec(128, new byte[12]));
    cipher.updateAAD(ask.node().getBytes(StandardCharsets.UTF_8));
    return cipher;
  }

  private byte[] hmac(String purpose, byte[] first, byte[] second) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(secret, HMAC));
      ByteArrayOutputStream all = new ByteArrayOutputStream();
      all.writeBytes(purpose.getBytes(StandardCharsets.US_ASCII));
      all.write(0);
      all.writeBytes(first);
      all.write(0);
      all.writeBytes(second);
      return mac.doFinal(all.toByteArray());
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + HMAC, e);
    }
  }

  private static byte[] nonce() {
    byte[] nonce = new byte[NONCE_BYTES];
    new SecureRandom().nextBytes(nonce);
    return nonce;
  }

  private static String text(byte[] bytes) {
    return Base64.getUrlEncoder().withoutPadding().encodeToString(bytes);
  }

  private static byte[] bytes(String text) {
    return Base64.getUrlDecoder().decode(text);
  }

  @Override
  public String toString() {
    return "[join token " + id + "]";
  }
}
