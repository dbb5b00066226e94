package io.flotilla.sftp;

import io.flotilla.auth.KeyResult;
import java.io.IOException;
import java.security.PublicKey;
import java.security.SignatureException;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.config.keys.KeyUtils;
import org.apache.sshd.common.config.keys.OpenSshCertificate;
import org.apache.sshd.common.signature.Signature;
import org.apache.sshd.common.util.buffer.Buffer;
import org.apache.sshd.common.util.buffer.ByteArrayBuffer;
import org.apache.sshd.server.auth.AbstractUserAuthFactory;
import org.apache.sshd.server.auth.UserAuth;
import org.apache.sshd.server.auth.UserAuthFactory;
import org.apache.sshd.server.auth.pubkey.UserAuthPublicKey;
import org.apache.sshd.server.session.ServerSession;

/**
 * The login by public key or certificate (RFC 4252, section 7). MINA's own order of checks is not used: it looks at certificates
 * before it asks whether their authority is trusted, takes an algorithm that is not the key's, and tells nobody why a
 * certificate was refused. What counts is what is decided here, and a login only once its signature has been verified.
 */
final class PublicKeyLogin extends UserAuthPublicKey {
  /**
   * Bytes of a key or certificate. The parser reads a certificate's authority as a key, which may be a certificate again, and so on;
   * each would keep what it was read from.
   */
  private static final int MAX_KEY = 16 * 1024;
  private final SshLogins logins;

  private PublicKeyLogin(SshLogins logins) {
    this.logins = logins;
  }

  static UserAuthFactory factory(SshLogins logins) {
    return new AbstractUserAuthFactory(NAME) {
      @Override
      public UserAuth createUserAuth(ServerSession session) {
        return new PublicKeyLogin(logins);
      }
    };
  }

  /** What a listener takes: the algorithms of its choice, and those of certificates if it trusts any. */
  static List<String> algorithms(SftpListener.Options options) {
    return options.certificates()
        ? Stream.concat(options.publicKeys().stream(), SshFactories.certificates(options.publicKeys()).stream()).toList()
        : options.publicKeys();
  }

  /** Null while the client has only asked whether its key would do. */
  @Override
  public Boolean doAuth(Buffer buffer, boolean init) throws IOException, SignatureException {
    if (!init) {
      return false; // no message of this method but the request itself
    }
    ServerSession session = getServerSession();
    ClientState client = ClientState.of(session);
    boolean signed = buffer.getBoolean();
    String algorithm = buffer.getString();
    int keyStart = buffer.rpos();
    byte[] blob = buffer.getBytes();
    int keyEnd = buffer.rpos();
    byte[] signature = signed ? buffer.getBytes() : new byte[0];
    if (buffer.available() > 0) {
      throw new SignatureException("there are bytes after the signature");
    }
    Optional<PublicKey> key = key(algorithm, blob, client);
    if (key.isEmpty()) {
      return false;
    }
    Optional<KeyResult> result = logins.publicKey(getUsername(), key.get(), blob, client);
    if (result.isEmpty()) {
      return false;
    }
    try {
      if (!signed) {
        sendPublicKeyResponse(session, getUsername(), algorithm, key.get(), buffer.array(), keyStart, keyEnd - keyStart, buffer);
        return null;
      }
      buffer.rpos(keyStart);
      buffer.wpos(keyEnd);
      Signature verifier = NamedFactory.create(SshFactories.signatures(List.of(algorithm)), algorithm);
      verifier.initVerifier(session, key.get() instanceof OpenSshCertificate certificate ? certificate.getCertPubKey() : key.get());
      if (!verifySignature(session, getUsername(), algorithm, key.get(), buffer, verifier, signature)) {
        logins.wrongSignature(getUsername(), key.get(), client);
        return false;
      }
    } catch (IOException | SignatureException e) {
      throw e;
    } catch (Exception e) {
      throw new SignatureException("the signature can't be checked", e);
    }
    return logins.accepted(client, getUsername(), result.get());
  }

  /** Nothing if the listener does not take the algorithm, or the key is not one for it. */
  private static Optional<PublicKey> key(String algorithm, byte[] blob, ClientState client) {
    if (!algorithms(client.options).contains(algorithm) || blob.length > MAX_KEY) {
      return Optional.empty();
    }
    try {
      String type = KeyUtils.getCanonicalKeyType(algorithm);
      if (!type.equals(new ByteArrayBuffer(blob).getString())) {
        return Optional.empty();
      }
      PublicKey key = new ByteArrayBuffer(blob).getRawPublicKey();
      return Optional.of(key).filter(k -> type.equals(KeyUtils.getKeyType(k)));
    } catch (IOException | RuntimeException e) {
      return Optional.empty(); // no key at all
    }
  }
}
