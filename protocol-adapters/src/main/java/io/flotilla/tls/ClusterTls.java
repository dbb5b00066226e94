package io.flotilla.tls;

import io.flotilla.adapter.TerminalText;
import io.flotilla.config.model.ClusterKey;
import java.io.IOException;
import java.math.BigInteger;
import java.net.Socket;
import java.security.AlgorithmParameters;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyPair;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.SecureRandom;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateParsingException;
import java.security.cert.X509Certificate;
import java.security.spec.ECGenParameterSpec;
import java.security.spec.ECParameterSpec;
import java.security.spec.ECPoint;
import java.security.spec.ECPrivateKeySpec;
import java.security.spec.ECPublicKeySpec;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Collection;
import java.util.Date;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLEngine;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLPeerUnverifiedException;
import javax.net.ssl.SSLSession;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;
import javax.net.ssl.X509ExtendedTrustManager;
import org.bouncycastle.asn1.ASN1String;
import org.bouncycastle.asn1.x500.X500Name;
import org.bouncycastle.asn1.x500.X500NameBuilder;
import org.bouncycastle.asn1.x500.style.BCStyle;
import org.bouncycastle.asn1.x509.BasicConstraints;
import org.bouncycastle.asn1.x509.ExtendedKeyUsage;
import org.bouncycastle.asn1.x509.Extension;
import org.bouncycastle.asn1.x509.GeneralName;
import org.bouncycastle.asn1.x509.GeneralNames;
import org.bouncycastle.asn1.x509.KeyPurposeId;
import org.bouncycastle.asn1.x509.KeyUsage;
import org.bouncycastle.asn1.x9.X9ECParameters;
import org.bouncycastle.cert.jcajce.JcaX509CertificateConverter;
import org.bouncycastle.cert.jcajce.JcaX509CertificateHolder;
import org.bouncycastle.cert.jcajce.JcaX509v3CertificateBuilder;
import org.bouncycastle.crypto.ec.CustomNamedCurves;
import org.bouncycastle.math.ec.FixedPointCombMultiplier;
import org.bouncycastle.operator.OperatorCreationException;
import org.bouncycastle.operator.jcajce.JcaContentSignerBuilder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * By what the nodes of one cluster know each other: mutual TLS 1.3 with certificates of an authority whose private key follows from the
 * cluster's key, so that each node makes its own certificate and whoever doesn't have that key can make none. A node has a new key pair in
 * each process, which is never stored. Names of hosts are not checked: what counts is that the other one is a node of this cluster, and the
 * certificate says which. Immutable; safe for all threads.
 *
 * <p>Certificates have no end (RFC 5280, 4.1.2.5) and begin in 1970: an end would protect nobody, since who gets hold of a node's key gets
 * hold of the cluster's, from the same memory, and would part nodes whose clocks are wrong.
 */
public final class ClusterTls {
  private static final Logger log = LoggerFactory.getLogger(ClusterTls.class);
  private static final String PROTOCOL = "TLSv1.3";
  /** Other than those, 1.3 has only such that are slower where there is AES in hardware. */
  private static final String[] SUITES = {"TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"};
  private static final String CURVE = "secp256r1";
  private static final String SIGNATURE = "SHA256withECDSA";
  private static final String AUTHORITY = "Flotilla cluster ";
  private static final String ID = "urn:uuid:";
  private static final Date BEGINNING = Date.from(Instant.EPOCH);
  private static final Date NO_END = Date.from(Instant.parse("9999-12-31T23:59:59Z"));
  /** subjectAltName's type of a URI, RFC 5280. */
  private static final int URI = 6;
  private static final int MAX_SHOWN = 80;
  private static final Duration COMPLAINT_INTERVAL = Duration.ofSeconds(30);

  private final ClusterKey key;
  private final X509Certificate authority;
  private final TlsIdentity identity;
  private final KeyManager[] keyManagers;
  private final X509ExtendedTrustManager trustManager;
  private final SSLContext context;
  /** One each, so that strangers, as many as may come, don't hide that a node has another key. */
  private final AtomicLong complainedOfNode = new AtomicLong(System.nanoTime() - COMPLAINT_INTERVAL.toNanos());
  private final AtomicLong complainedOfStranger = new AtomicLong(System.nanoTime() - COMPLAINT_INTERVAL.toNanos());

  /**
   * A node of this cluster, as its certificate says.
   *
   * @param id of the node, permanent
   */
  public record Peer(String name, UUID id) {
    @Override
    public String toString() {
      return name + " (" + id + ")";
    }
  }

  /** Makes the certificate of one process of a node. */
  public static ClusterTls of(ClusterKey key, String node, UUID nodeId) {
    try {
      return new ClusterTls(key, new Peer(node, nodeId));
    } catch (GeneralSecurityException | OperatorCreationException | IOException e) {
      throw new IllegalStateException("the certificate of this node could not be made", e);
    }
  }

  private ClusterTls(ClusterKey key, Peer own) throws GeneralSecurityException, OperatorCreationException, IOException {
    this.key = key;
    KeyPair signer = authorityPair(key);
    X500Name issuer = commonName(AUTHORITY + key.id());
    this.authority = certificate(issuer, signer.getPrivate(), issuer, signer.getPublic(), new BasicConstraints(0),
        KeyUsage.keyCertSign, List.of());
    KeyPair pair = TlsIdentity.newKeyPair();
    X509Certificate certificate = certificate(issuer, signer.getPrivate(), commonName(own.name()), pair.getPublic(),
        new BasicConstraints(false), KeyUsage.digitalSignature, List.of(ID + own.id()));
    this.identity = new TlsIdentity(List.of(certificate), pair.getPrivate());
    this.keyManagers = identity.keyManagers();
    this.trustManager = new OwnAuthority(pkix(authority));
    this.context = SSLContext.getInstance(PROTOCOL);
    context.init(keyManagers, new TrustManager[] {trustManager}, null);
  }

  /** FIPS 186-5, A.2.1: more bits than the order has, so that all private keys are as good as equally likely. */
  private static KeyPair authorityPair(ClusterKey key) throws GeneralSecurityException {
    X9ECParameters curve = CustomNamedCurves.getByName(CURVE);
    BigInteger scalar = new BigInteger(1, key.authoritySeed()).mod(curve.getN().subtract(BigInteger.ONE)).add(BigInteger.ONE);
    org.bouncycastle.math.ec.ECPoint point = new FixedPointCombMultiplier().multiply(curve.getG(), scalar).normalize();
    AlgorithmParameters parameters = AlgorithmParameters.getInstance("EC");
    parameters.init(new ECGenParameterSpec(CURVE));
    ECParameterSpec spec = parameters.getParameterSpec(ECParameterSpec.class);
    KeyFactory factory = KeyFactory.getInstance("EC");
    return new KeyPair(
        factory.generatePublic(new ECPublicKeySpec(
            new ECPoint(point.getAffineXCoord().toBigInteger(), point.getAffineYCoord().toBigInteger()), spec)),
        factory.generatePrivate(new ECPrivateKeySpec(scalar, spec)));
  }

  private static X500Name commonName(String name) {
    return new X500NameBuilder(BCStyle.INSTANCE).addRDN(BCStyle.CN, name).build();
  }

  private static X509Certificate certificate(X500Name issuer, PrivateKey signer, X500Name subject, PublicKey subjectKey,
      BasicConstraints constraints, int usage, List<String> uris)
      throws GeneralSecurityException, OperatorCreationException, IOException {
    JcaX509v3CertificateBuilder builder = new JcaX509v3CertificateBuilder(issuer,
        new BigInteger(120, new SecureRandom()).setBit(119), BEGINNING, NO_END, subject, subjectKey);
    builder.addExtension(Extension.basicConstraints, true, constraints);
    builder.addExtension(Extension.keyUsage, true, new KeyUsage(usage));
    if (!uris.isEmpty()) {
      builder.addExtension(Extension.extendedKeyUsage, false, new ExtendedKeyUsage(
          new KeyPurposeId[] {KeyPurposeId.id_kp_serverAuth, KeyPurposeId.id_kp_clientAuth}));
      builder.addExtension(Extension.subjectAlternativeName, false, new GeneralNames(
          uris.stream().map(uri -> new GeneralName(GeneralName.uniformResourceIdentifier, uri)).toArray(GeneralName[]::new)));
    }
    return new JcaX509CertificateConverter().getCertificate(
        builder.build(new JcaContentSignerBuilder(SIGNATURE).build(signer)));
  }

  private static X509ExtendedTrustManager pkix(X509Certificate trusted) throws GeneralSecurityException, IOException {
    KeyStore store = KeyStore.getInstance("PKCS12");
    store.load(null, null);
    store.setCertificateEntry("authority", trusted);
    TrustManagerFactory factory = TrustManagerFactory.getInstance("PKIX");
    factory.init(store);
    return (X509ExtendedTrustManager) factory.getTrustManagers()[0];
  }

  /** For connections of either side; {@link #parameters} go with it. */
  public SSLContext context() {
    return context;
  }

  /** What this node shows, for those who make contexts of their own. */
  public KeyManager[] keyManagers() {
    return keyManagers.clone();
  }

  /** Trusts the nodes of this cluster alone, whatever their names are. */
  public X509ExtendedTrustManager trustManager() {
    return trustManager;
  }

  X509Certificate authority() {
    return authority;
  }

  /** How both sides speak, the server asking for the client's certificate. */
  public SSLParameters parameters() {
    SSLParameters parameters = new SSLParameters(SUITES, new String[] {PROTOCOL});
    parameters.setUseCipherSuitesOrder(true);
    parameters.setNeedClientAuth(true);
    return parameters;
  }

  /**
   * Who is at the other side of a connection after its handshake.
   *
   * @throws SSLPeerUnverifiedException if it is no node
   */
  public static Peer peer(SSLSession session) throws SSLPeerUnverifiedException {
    Certificate[] chain = session.getPeerCertificates();
    try {
      return peer((X509Certificate) chain[0]);
    } catch (CertificateException e) {
      throw new SSLPeerUnverifiedException(e.getMessage());
    }
  }

  private static Peer peer(X509Certificate certificate) throws CertificateException {
    return new Peer(commonName(new JcaX509CertificateHolder(certificate).getSubject()), id(certificate));
  }

  private static String commonName(X500Name name) throws CertificateException {
    return Arrays.stream(name.getRDNs(BCStyle.CN)).map(rdn -> rdn.getFirst().getValue())
        .filter(ASN1String.class::isInstance).map(value -> ((ASN1String) value).getString()).findFirst()
        .orElseThrow(() -> new CertificateException("the certificate names nobody"));
  }

  private static UUID id(X509Certificate certificate) throws CertificateException {
    Collection<List<?>> names;
    try {
      names = certificate.getSubjectAlternativeNames();
    } catch (CertificateParsingException e) {
      throw new CertificateException("the certificate can't be read", e);
    }
    try {
      return (names == null ? List.<List<?>>of() : names).stream()
          .filter(name -> name.get(0).equals(URI) && name.get(1).toString().startsWith(ID))
          .map(name -> UUID.fromString(name.get(1).toString().substring(ID.length()))).findFirst()
          .orElseThrow(() -> new CertificateException("the certificate has no id of a node"));
    } catch (IllegalArgumentException e) {
      throw new CertificateException("the certificate's id of a node is none", e);
    }
  }

  @Override
  public String toString() {
    return "ClusterTls[" + key.id() + ", " + identity + "]";
  }

  /** PKIX with one anchor. The names of hosts are left out by not telling it of the connection. */
  private final class OwnAuthority extends X509ExtendedTrustManager {
    private final X509ExtendedTrustManager pkix;

    OwnAuthority(X509ExtendedTrustManager pkix) {
      this.pkix = pkix;
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authentication) throws CertificateException {
      try {
        pkix.checkClientTrusted(chain, authentication);
        peer(chain[0]);
      } catch (CertificateException e) {
        throw refused(chain, e);
      }
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authentication) throws CertificateException {
      try {
        pkix.checkServerTrusted(chain, authentication);
        peer(chain[0]);
      } catch (CertificateException e) {
        throw refused(chain, e);
      }
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authentication, Socket socket) throws CertificateException {
      checkClientTrusted(chain, authentication);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authentication, Socket socket) throws CertificateException {
      checkServerTrusted(chain, authentication);
    }

    @Override
    public void checkClientTrusted(X509Certificate[] chain, String authentication, SSLEngine engine) throws CertificateException {
      checkClientTrusted(chain, authentication);
    }

    @Override
    public void checkServerTrusted(X509Certificate[] chain, String authentication, SSLEngine engine) throws CertificateException {
      checkServerTrusted(chain, authentication);
    }

    /** Clients are not told whom they have to be of, so that they show who they are, and are refused by name. */
    @Override
    public X509Certificate[] getAcceptedIssuers() {
      return new X509Certificate[0];
    }

    private CertificateException refused(X509Certificate[] chain, CertificateException cause) {
      Optional<String> otherKey = otherKey(chain);
      String why = otherKey.orElse("the certificate of the other side was not made with this cluster's key (" + key.id() + ")");
      AtomicLong complained = otherKey.isPresent() ? complainedOfNode : complainedOfStranger;
      long now = System.nanoTime();
      long before = complained.get();
      if (now - before >= COMPLAINT_INTERVAL.toNanos() && complained.compareAndSet(before, now)) {
        log.warn("A connection between nodes was refused: {}", why);
      }
      return new CertificateException(why, cause);
    }

    /** Of a node of another cluster, as its certificate claims. */
    private Optional<String> otherKey(X509Certificate[] chain) {
      try {
        String issuer = commonName(new JcaX509CertificateHolder(chain[0]).getIssuer());
        if (issuer.startsWith(AUTHORITY) && !issuer.equals(AUTHORITY + key.id())) {
          return Optional.of("the other node, '" + printable(peer(chain[0]).name()) + "', has the cluster key "
              + printable(issuer.substring(AUTHORITY.length())) + ", and this one has " + key.id()
              + "; give it this cluster's key file, or take it off the other's seed nodes");
        }
      } catch (CertificateException e) {
        log.debug("A certificate could not be read", e);
      }
      return Optional.empty();
    }

    private static String printable(String text) {
      return TerminalText.of(text.length() > MAX_SHOWN ? text.substring(0, MAX_SHOWN) : text);
    }
  }
}
