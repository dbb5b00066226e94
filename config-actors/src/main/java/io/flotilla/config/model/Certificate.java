package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayInputStream;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.MessageDigest;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.Collection;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A certificate chain and its private key, by which TLS listeners identify themselves; the same one on every node.
 *
 * @param pem the chain as it was given, the listener's own certificate first
 * @param chain what the text holds; empty if only a newer release can read it
 * @param selfSigned the names that Flotilla made the certificate for, if it did
 */
public record Certificate(
    String name, String pem, List<X509Certificate> chain, Secret.PrivateKey privateKey, Optional<List<String>> selfSigned)
    implements Entity {
  /** How long before its end a certificate should be replaced. */
  public static final Duration RENEWAL = Duration.ofDays(30);
  private static final int MAX_NAMES = 100;
  private static final int MAX_CHAIN = 10;
  private static final String UNREADABLE = "holds a certificate that can't be read";
  private static final Pattern BEGIN = Pattern.compile("-----BEGIN ([^-]*)-----");
  private static final Pattern BLOCK = Pattern.compile("-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----");
  private static final Pattern HOST =
      Pattern.compile("(\\*\\.)?[A-Za-z0-9_]([A-Za-z0-9_-]{0,62})(\\.[A-Za-z0-9_][A-Za-z0-9_-]{0,62})*");
  private static final int MAX_HOST = 253;

  static Certificate read(Fields fields) {
    if (!fields.has("certificate")) {
      fields.error("certificate", "is required");
    }
    Optional<String> key = fields.secret("privateKey");
    if (key.isEmpty()) {
      fields.error("privateKey", "is required");
    }
    Optional<String> pem = fields.text("certificate");
    List<X509Certificate> chain = List.of();
    try {
      chain = pem.map(Certificate::parse).orElse(List.of());
    } catch (IllegalArgumentException e) {
      fields.error("certificate", e.getMessage());
    }
    return new Certificate(
        fields.name(),
        pem.orElse(""),
        chain,
        Secret.privateKey(key.orElse("")),
        fields.object("selfSigned", Certificate::readNames));
  }

  private static List<String> readNames(Fields selfSigned) {
    List<String> names = selfSigned.texts("names", MAX_NAMES, Certificate::problemWithName);
    if (names.isEmpty()) {
      selfSigned.error("names", "must have at least one name or address that clients connect to");
    }
    return names;
  }

  /**
   * Reads a chain, in which each certificate was issued by the next.
   *
   * @throws IllegalArgumentException saying what is wrong with the text; it never quotes it
   */
  public static List<X509Certificate> parse(String pem) {
    int begun = 0;
    Matcher begin = BEGIN.matcher(pem);
    while (begin.find()) {
      if (!begin.group(1).equals("CERTIFICATE")) {
        throw new IllegalArgumentException("must hold certificates only, which everybody may read, and no "
            + (begin.group(1).endsWith("PRIVATE KEY") ? "private key" : "other objects"));
      }
      begun++;
    }
    List<X509Certificate> chain = BLOCK.matcher(pem).results().map(block -> parseOne(block.group())).toList();
    if (chain.size() < begun) {
      throw new IllegalArgumentException(UNREADABLE);
    }
    if (chain.isEmpty()) {
      throw new IllegalArgumentException("must be a certificate in PEM format: -----BEGIN CERTIFICATE-----...");
    }
    if (chain.size() > MAX_CHAIN) {
      throw new IllegalArgumentException("has over " + MAX_CHAIN + " certificates");
    }
    for (int i = 0; i + 1 < chain.size(); i++) {
      try {
        chain.get(i).verify(chain.get(i + 1).getPublicKey());
      } catch (GeneralSecurityException e) {
        throw new IllegalArgumentException("is out of order: number " + (i + 1) + " was not issued by number " + (i + 2)
            + "; the server's own certificate comes first, and each one's issuer after it", e);
      }
    }
    return chain;
  }

  private static X509Certificate parseOne(String block) {
    try {
      return (X509Certificate) CertificateFactory.getInstance("X.509")
          .generateCertificate(new ByteArrayInputStream(block.getBytes(StandardCharsets.US_ASCII)));
    } catch (CertificateException e) {
      throw new IllegalArgumentException(UNREADABLE, e);
    }
  }

  /** Says why a text is neither a host name, with an asterisk as its first label or not, nor an address; or nothing. */
  public static Optional<String> problemWithName(String name) {
    if (name.length() <= MAX_HOST && HOST.matcher(name).matches() && !name.matches("[0-9.]+")) {
      return Optional.empty();
    }
    try {
      Listener.parseAddress(name);
      return Optional.empty();
    } catch (IllegalArgumentException e) {
      return Optional.of("must be a host name or an IPv4 or IPv6 address");
    }
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("certificate", pem);
    selfSigned.ifPresentOrElse(
        names -> names.forEach(json.putObject("selfSigned").putArray("names")::add), () -> json.putNull("selfSigned"));
    if (!chain.isEmpty()) {
      X509Certificate own = chain.getFirst();
      json.put("subject", own.getSubjectX500Principal().getName());
      names(own).forEach(json.putArray("names")::add);
      json.put("notAfter", own.getNotAfter().toInstant().toString());
      json.put("fingerprint", fingerprint(own));
      json.put("warning", warning(Instant.now()).orElse(null));
    }
  }

  /** Why the certificate should be replaced, or nothing; of the chain, what ends first counts. */
  public Optional<String> warning(Instant now) {
    for (X509Certificate certificate : chain) {
      String which = certificate.equals(chain.getFirst()) ? "the certificate" : "a certificate of the chain";
      Instant from = certificate.getNotBefore().toInstant();
      Instant until = certificate.getNotAfter().toInstant();
      if (now.isAfter(until)) {
        return Optional.of(which + " expired at " + until);
      }
      if (now.isBefore(from)) {
        return Optional.of(which + " is not valid before " + from);
      }
      if (now.plus(RENEWAL).isAfter(until)) {
        return Optional.of(which + " expires at " + until);
      }
    }
    return Optional.empty();
  }

  /** The SHA-256 of a certificate, as openssl and browsers show it. */
  public static String fingerprint(X509Certificate certificate) {
    try {
      return HexFormat.ofDelimiter(":").withUpperCase()
          .formatHex(MessageDigest.getInstance("SHA-256").digest(certificate.getEncoded()));
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has SHA-256, and what was read can be written", e);
    }
  }

  /** The host names and addresses that a certificate is for. */
  public static List<String> names(X509Certificate certificate) {
    try {
      Collection<List<?>> all = certificate.getSubjectAlternativeNames();
      return all == null ? List.of() : all.stream()
          .filter(name -> name.get(0).equals(2) || name.get(0).equals(7)) // dNSName and iPAddress, RFC 5280
          .map(name -> name.get(1).toString()).toList();
    } catch (CertificateParsingException e) {
      return List.of();
    }
  }
}
