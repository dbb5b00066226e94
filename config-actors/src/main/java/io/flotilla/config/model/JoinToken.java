package io.flotilla.config.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.MessageDigest;
import java.security.SecureRandom;
import java.security.spec.X509EncodedKeySpec;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import javax.crypto.Cipher;
import javax.crypto.KeyAgreement;
import javax.crypto.Mac;
import javax.crypto.spec.GCMParameterSpec;
import javax.crypto.spec.SecretKeySpec;

/**
 * Gives one node the cluster's key and its seed nodes, until a time. The cluster keeps nothing of it: its secret follows from the key, its
 * id, its maker and its time. Both sides prove that they know the secret, and what is said is sealed with a key that they agree on by
 * X25519 (RFC 7748), so it may go over connections of which nobody knows to whom they lead, and whoever finds a used token can't read what
 * was said. That it is used once only is a claim, and not told here. Immutable.
 */
public final class JoinToken {
  private static final String MARK = "flj1-";
  private static final int ID_BYTES = 12;
  private static final int SECRET_BYTES = 32;
  private static final int MAX_ADDRESSES = 16;
  private static final int MAX_LENGTH = 8192;
  private static final String HMAC = "HmacSHA256";
  private static final String AGREEMENT = "X25519";

  private final String id;
  private final String maker;
  private final long expires;
  private final List<String> addresses;
  private final byte[] secret;

  private JoinToken(String id, String maker, long expires, List<String> addresses, byte[] secret) {
    this.id = id;
    this.maker = maker;
    this.expires = expires;
    this.addresses = addresses;
    this.secret = secret;
  }

  /**
   * What a node says that wants to join.
   *
   * @param maker the admin who made the token
   * @param expires of the token, in seconds since 1970
   * @param node its name
   * @param publicKey for the agreement, made for this
   * @param proof that it knows the token's secret
   */
  public record Ask(String id, String maker, long expires, String node, byte[] publicKey, byte[] proof) {}

  /**
   * What it is answered.
   *
   * @param publicKey for the agreement, made for this
   * @param sealed for whoever knows the token's secret and made the request
   */
  public record Answer(byte[] publicKey, byte[] sealed) {}

  /** What a node is told that joins. */
  public record Welcome(ClusterKey key, List<String> seedNodes) {}

  /** The request of a node, and what it alone can open the answer with. */
  public final class Asking {
    private final Ask ask;
    private final KeyPair pair;

    private Asking(String node) {
      this.pair = pair();
      byte[] publicKey = pair.getPublic().getEncoded();
      this.ask = new Ask(id, maker, expires, node, publicKey, hmac(secret, "ask", node.getBytes(StandardCharsets.UTF_8), publicKey));
    }

    public Ask ask() {
      return ask;
    }

    /** What it is told; nothing if the answer comes from nobody who knows the secret. */
    public Optional<Welcome> open(Answer answer) {
      try {
        ObjectNode json = (ObjectNode) EntityCodec.JSON.readTree(
            cipher(Cipher.DECRYPT_MODE, pair, answer.publicKey(), ask, answer.publicKey()).doFinal(answer.sealed()));
        List<String> seedNodes = new ArrayList<>();
        json.path("seedNodes").forEach(seed -> seedNodes.add(seed.asText()));
        return Optional.of(new Welcome(ClusterKey.of(bytes(json.path("key").asText())), List.copyOf(seedNodes)));
      } catch (GeneralSecurityException | IOException | IllegalArgumentException e) {
        return Optional.empty();
      }
    }
  }

  /**
   * @param maker the admin who lets the node in
   * @param addresses of the admin API, by which the cluster can be asked, the first first
   */
  public static JoinToken create(ClusterKey key, String maker, Instant expiresAt, List<String> addresses) {
    if (addresses.isEmpty() || addresses.size() > MAX_ADDRESSES) {
      throw new IllegalArgumentException("a token names 1 to " + MAX_ADDRESSES + " addresses");
    }
    byte[] id = new byte[ID_BYTES];
    new SecureRandom().nextBytes(id);
    return of(key, text(id), maker, expiresAt.getEpochSecond(), addresses);
  }

  private static JoinToken of(ClusterKey key, String id, String maker, long expires, List<String> addresses) {
    byte[] secret = key.derive("join-token:" + id + ":" + expires + ":" + maker).getEncoded();
    return new JoinToken(id, maker, expires, List.copyOf(addresses), secret);
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
      if (secret.length != SECRET_BYTES || addresses.isEmpty() || !json.path("expires").isIntegralNumber()) {
        throw new IllegalArgumentException("fields are missing");
      }
      return new JoinToken(json.path("id").asText(), json.path("maker").asText(), json.path("expires").longValue(),
          List.copyOf(addresses), secret);
    } catch (IOException | IllegalArgumentException e) {
      throw new IllegalArgumentException("the join token is damaged; copy it whole", e);
    }
  }

  /** For the operator; whoever has it can have the cluster's key. */
  public String text() {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("id", id).put("maker", maker).put("expires", expires)
        .put("secret", text(secret));
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

  /** Whether it was made by the cluster with a key. */
  public boolean isOf(ClusterKey key) {
    return MessageDigest.isEqual(of(key, id, maker, expires, List.of()).secret, secret);
  }

  public Asking ask(String node) {
    return new Asking(node);
  }

  /** The cluster's answer to a node that has a token of this cluster, whatever the time; nothing for any other. */
  public static Optional<Answer> answer(Ask ask, Welcome welcome) {
    JoinToken token = of(welcome.key(), ask.id(), ask.maker(), ask.expires(), List.of());
    byte[] proof = hmac(token.secret, "ask", ask.node().getBytes(StandardCharsets.UTF_8), ask.publicKey());
    if (!MessageDigest.isEqual(proof, ask.proof())) {
      return Optional.empty();
    }
    KeyPair pair = pair();
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("key", text(welcome.key().bytes()));
    welcome.seedNodes().forEach(json.putArray("seedNodes")::add);
    try {
      byte[] publicKey = pair.getPublic().getEncoded();
      return Optional.of(new Answer(publicKey, token.cipher(Cipher.ENCRYPT_MODE, pair, ask.publicKey(), ask, publicKey)
          .doFinal(json.toString().getBytes(StandardCharsets.UTF_8))));
    } catch (GeneralSecurityException e) {
      return Optional.empty(); // its public key is none
    }
  }

  /**
   * Each answer is sealed with a key of its own.
   *
   * @param others the other side's public key
   * @param answered the public key of the side that answers
   */
  private Cipher cipher(int mode, KeyPair own, byte[] others, Ask ask, byte[] answered) throws GeneralSecurityException {
    KeyAgreement agreement = KeyAgreement.getInstance(AGREEMENT);
    agreement.init(own.getPrivate());
    agreement.doPhase(KeyFactory.getInstance(AGREEMENT).generatePublic(new X509EncodedKeySpec(others)), true);
    byte[] key = hmac(secret, "answer", agreement.generateSecret(), ask.proof(), answered);
    Cipher cipher = Cipher.getInstance("AES/GCM/NoPadding");
    cipher.init(mode, new SecretKeySpec(key, "AES"), new GCMParameterSpec(128, new byte[12]));
    return cipher;
  }

  /** Of texts whose lengths are told, so that none runs into the next. */
  private static byte[] hmac(byte[] secret, String purpose, byte[]... texts) {
    try {
      Mac mac = Mac.getInstance(HMAC);
      mac.init(new SecretKeySpec(secret, HMAC));
      mac.update((purpose + "\n").getBytes(StandardCharsets.US_ASCII));
      for (byte[] text : texts) {
        mac.update(ByteBuffer.allocate(Integer.BYTES).putInt(0, text.length));
        mac.update(text);
      }
      return mac.doFinal();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + HMAC, e);
    }
  }

  private static KeyPair pair() {
    try {
      return KeyPairGenerator.getInstance(AGREEMENT).generateKeyPair();
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java platform has " + AGREEMENT, e);
    }
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
