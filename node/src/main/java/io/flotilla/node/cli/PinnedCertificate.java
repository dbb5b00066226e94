package io.flotilla.node.cli;

import io.flotilla.config.model.Certificate;
import java.net.Socket;
import java.security.GeneralSecurityException;
import java.security.cert.CertificateException;
import java.security.cert.X509Certificate;
import java.util.Locale;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.TrustManager;
import javax.net.ssl.X509ExtendedTrustManager;

/** Trusts the one certificate that has a fingerprint, at whatever host, as nodes make those of their admin API themselves. */
final class PinnedCertificate extends X509ExtendedTrustManager {
  private final String fingerprint;

  private PinnedCertificate(String fingerprint) {
    this.fingerprint = fingerprint;
  }

  /** @param fingerprint SHA-256 in hexadecimal digits, with or without colons */
  static SSLContext context(String fingerprint) {
    String digits = digits(fingerprint);
    if (!digits.matches("[0-9A-F]{64}")) {
      throw new CommandFailedException("a fingerprint is 64 hexadecimal digits, as a node's log tells it where its admin API listens");
    }
    try {
      SSLContext context = SSLContext.getInstance("TLS");
      context.init(null, new TrustManager[] {new PinnedCertificate(digits)}, null);
      return context;
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("every Java has TLS", e);
    }
  }

  private static String digits(String fingerprint) {
    return fingerprint.replace(":", "").toUpperCase(Locale.ROOT);
  }

  private void check(X509Certificate[] chain) throws CertificateException {
    if (!digits(Certificate.fingerprint(chain[0])).equals(fingerprint)) {
      throw new CertificateException("its certificate has the fingerprint " + Certificate.fingerprint(chain[0]) + ", another than expected");
    }
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
    check(chain);
  }

  @Override
  public void checkServerTrusted(X509Certificate[] chain, String type) throws CertificateException {
    check(chain);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, Socket socket) throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type, SSLEngine engine) throws CertificateException {
    checkClientTrusted(chain, type);
  }

  @Override
  public void checkClientTrusted(X509Certificate[] chain, String type) throws CertificateException {
    throw new CertificateException("this is of clients only");
  }

  @Override
  public X509Certificate[] getAcceptedIssuers() {
    return new X509Certificate[0];
  }
}
