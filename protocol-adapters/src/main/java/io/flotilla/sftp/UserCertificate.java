package io.flotilla.sftp;

import io.flotilla.auth.LoginResult.Reason;
import io.flotilla.config.model.Network;
import java.net.InetAddress;
import java.security.PublicKey;
import java.security.interfaces.RSAPublicKey;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.OpenSshCertificate;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;

/**
 * The checks of an OpenSSH user certificate (OpenSSH's PROTOCOL.certkeys) that need no configuration. All of them are made
 * here, whatever MINA checks as well. Whether the authority is trusted is to be asked before {@link #problem}.
 */
record UserCertificate(OpenSshCertificate certificate) {
  static final int MIN_RSA_BITS = 2048;
  private static final long FOREVER = -1; // the largest unsigned number
  private static final String SOURCE_ADDRESS = "source-address";
  /** How an authority may sign, by the type of its key: never with SHA-1. */
  private static final Map<String, Set<String>> SIGNATURES = Map.of(
      "ssh-ed25519", Set.of("ssh-ed25519"),
      "ecdsa-sha2-nistp256", Set.of("ecdsa-sha2-nistp256"),
      "ecdsa-sha2-nistp384", Set.of("ecdsa-sha2-nistp384"),
      "ecdsa-sha2-nistp521", Set.of("ecdsa-sha2-nistp521"),
      "ssh-rsa", Set.of("rsa-sha2-256", "rsa-sha2-512"));

  /** The authority's key as in RFC 4253, section 6.6. */
  byte[] authority() {
    ByteArrayBuffer blob = new ByteArrayBuffer();
    blob.putRawPublicKey(certificate.getCaPubKey());
    return blob.getCompactData();
  }

  /** From when on it is not valid any more; nothing if it is valid forever, or longer than Java can tell. */
  Optional<Instant> expiresAt() {
    long end = certificate.getValidBefore();
    return end == FOREVER || end < 0 || end > Instant.MAX.getEpochSecond()
        ? Optional.empty() : Optional.of(Instant.ofEpochSecond(end));
  }

  /**
   * Why it does not let a user in, if it doesn't.
   *
   * @param address where the client is
   */
  Optional<Reason> problem(String user, InetAddress address, Instant now) {
    if (certificate.getType() != OpenSshCertificate.Type.USER) {
      return Optional.of(Reason.NO_USER_CERTIFICATE);
    }
    if (isWeak(certificate.getCertPubKey()) || isWeak(certificate.getCaPubKey()) || !isSignedWell()) {
      return Optional.of(Reason.WEAK_CERTIFICATE);
    }
    if (!verifies()) {
      return Optional.of(Reason.UNTRUSTED_CERTIFICATE);
    }
    long second = now.getEpochSecond();
    if (Long.compareUnsigned(second, certificate.getValidAfter()) < 0
        || Long.compareUnsigned(second, certificate.getValidBefore()) >= 0) {
      return Optional.of(Reason.CERTIFICATE_NOT_VALID_NOW);
    }
    if (!certificate.getPrincipals().contains(user)) { // with none it would be for everybody
      return Optional.of(Reason.CERTIFICATE_OF_OTHERS);
    }
    List<OpenSshCertificate.CertificateOption> options = certificate.getCriticalOptions();
    return options.stream().allMatch(option -> option.getName().equals(SOURCE_ADDRESS) && isFrom(option.getData(), address))
        ? Optional.empty() : Optional.of(Reason.CERTIFICATE_RESTRICTED);
  }

  static boolean isWeak(PublicKey key) {
    return key instanceof RSAPublicKey rsa && rsa.getModulus().bitLength() < MIN_RSA_BITS;
  }

  private boolean isSignedWell() {
    try {
      String algorithm = certificate.getSignatureAlgorithm();
      return algorithm != null
          && SIGNATURES.getOrDefault(KeyUtils.getKeyType(certificate.getCaPubKey()), Set.of()).contains(algorithm);
    } catch (RuntimeException e) {
      return false; // what is in its place is no signature
    }
  }

  private boolean verifies() {
    String algorithm = certificate.getSignatureAlgorithm();
    try {
      Signature verifier = NamedFactory.create(SshFactories.signatures(List.of(algorithm)), algorithm);
      verifier.initVerifier(null, certificate.getCaPubKey());
      verifier.update(null, certificate.getMessage());
      return verifier.verify(null, certificate.getSignature());
    } catch (Exception e) {
      return false; // whatever an implementation throws at what is no signature
    }
  }

  /** @param ranges addresses, with or without the length of their prefix, separated by commas */
  static boolean isFrom(String ranges, InetAddress address) {
    try {
      return ranges != null && Arrays.stream(ranges.split(",")).anyMatch(range -> Network.parse(range.strip()).contains(address));
    } catch (IllegalArgumentException e) {
      return false; // a range that can't be read must not let anybody in
    }
  }
}
