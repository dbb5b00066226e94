package io.flotilla.sftp;

import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import org.apache.sshd.common.NamedFactory;
import org.apache.sshd.common.channel.ChannelFactory;
import org.apache.sshd.common.cipher.BuiltinCiphers;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.global.KeepAliveHandler;
import org.apache.sshd.common.kex.BuiltinDHFactories;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactoryFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.mac.BuiltinMacs;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.signature.BuiltinSignatures;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.ServerBuilder;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.server.auth.pubkey.UserAuthPublicKeyFactory;
import org.apache.sshd.server.global.NoMoreSessionsHandler;

/**
 * MINA's server without a port of its own: algorithms, limits and threads that all listeners share. Each
 * {@link SftpListener} adds an acceptor to it, so that listeners come and go while the engine and its sessions live on.
 */
final class SshEngine extends SshServer {
  private static final List<BuiltinCiphers> CIPHERS = List.of(
      BuiltinCiphers.aes128gcm, BuiltinCiphers.aes256gcm,
      BuiltinCiphers.aes128ctr, BuiltinCiphers.aes192ctr, BuiltinCiphers.aes256ctr);
  private static final List<BuiltinMacs> MACS = List.of(
      BuiltinMacs.hmacsha256etm, BuiltinMacs.hmacsha512etm, BuiltinMacs.hmacsha256, BuiltinMacs.hmacsha512);
  private static final List<BuiltinDHFactories> KEY_EXCHANGES = List.of(
      BuiltinDHFactories.sntrup761x25519, BuiltinDHFactories.sntrup761x25519_openssh,
      BuiltinDHFactories.mlkem768x25519, BuiltinDHFactories.mlkem768nistp256, BuiltinDHFactories.mlkem1024nistp384,
      BuiltinDHFactories.curve25519, BuiltinDHFactories.curve25519_libssh, BuiltinDHFactories.curve448,
      BuiltinDHFactories.ecdhp256, BuiltinDHFactories.ecdhp384, BuiltinDHFactories.ecdhp521,
      BuiltinDHFactories.dhg16_512, BuiltinDHFactories.dhg18_512, BuiltinDHFactories.dhg14_256);
  private static final List<BuiltinSignatures> SIGNATURES = List.of(
      BuiltinSignatures.ed25519, BuiltinSignatures.nistp256, BuiltinSignatures.nistp384, BuiltinSignatures.nistp521,
      BuiltinSignatures.sk_ssh_ed25519, BuiltinSignatures.sk_ecdsa_sha2_nistp256,
      BuiltinSignatures.rsaSHA512, BuiltinSignatures.rsaSHA256);
  private static final int MAX_AUTH_REQUESTS = 6;
  private static final long WINDOW = 2 * 1024 * 1024;
  private static final int BACKLOG = 256;

  private SshEngine() {}

  /**
   * Builds an engine that only needs authenticators, subsystems and listeners.
   *
   * @throws IllegalStateException if AES-GCM would come from Bouncy Castle, which is a hundred times slower
   */
  static SshEngine create(SftpSettings settings, RestrictedChannel.Commands commands) {
    requireFastCipher();
    SshEngine engine = (SshEngine) ServerBuilder.builder().factory(SshEngine::new)
        .cipherFactories(NamedFactory.setUpBuiltinFactories(false, CIPHERS).stream()
            .<NamedFactory<org.apache.sshd.common.cipher.Cipher>>map(factory -> factory).toList())
        .macFactories(NamedFactory.setUpBuiltinFactories(false, MACS).stream()
            .<NamedFactory<org.apache.sshd.common.mac.Mac>>map(factory -> factory).toList())
        .signatureFactories(NamedFactory.setUpBuiltinFactories(false, SIGNATURES).stream()
            .<NamedFactory<org.apache.sshd.common.signature.Signature>>map(factory -> factory).toList())
        .keyExchangeFactories(NamedFactory.setUpTransformedFactories(false, KEY_EXCHANGES, ServerBuilder.DH2KEX))
        .compressionFactories(List.of(BuiltinCompressions.none))
        .channelFactories(List.<ChannelFactory>of(RestrictedChannel.factory(settings.maxChannels(), commands)))
        .globalRequestHandlers(List.of(KeepAliveHandler.INSTANCE, NoMoreSessionsHandler.INSTANCE))
        .build();
    engine.setKeyPairProvider(KeyPairProvider.EMPTY_KEYPAIR_PROVIDER); // each session has its listener's keys
    engine.setUserAuthFactories(List.of(UserAuthPublicKeyFactory.INSTANCE, UserAuthPasswordFactory.INSTANCE));
    engine.setKeyboardInteractiveAuthenticator(null);
    ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
        task -> Thread.ofPlatform().daemon().name("sftp-timer").unstarted(task));
    engine.setScheduledExecutorService(timer, true);
    engine.setIoServiceFactoryFactory(new Nio2ServiceFactoryFactory());
    engine.limit(settings);
    engine.checkConfig();
    engine.setupSessionTimeout(null);
    return engine;
  }

  private void limit(SftpSettings settings) {
    CoreModuleProperties.SERVER_IDENTIFICATION.set(this, "Flotilla");
    CoreModuleProperties.TCP_NODELAY.set(this, true); // without it uploads run at a quarter of the speed
    CoreModuleProperties.SOCKET_KEEPALIVE.set(this, true);
    CoreModuleProperties.SOCKET_BACKLOG.set(this, BACKLOG);
    CoreModuleProperties.AUTH_TIMEOUT.set(this, settings.loginGrace());
    CoreModuleProperties.MAX_AUTH_REQUESTS.set(this, MAX_AUTH_REQUESTS);
    CoreModuleProperties.WINDOW_SIZE.set(this, WINDOW);
    CoreModuleProperties.MAX_PACKET_SIZE.set(this, (long) PacketPool.MAX_DATA);
    // Time for what the client sent before it closed the channel, such as its last CLOSE.
    CoreModuleProperties.COMMAND_EXIT_TIMEOUT.set(this, Duration.ofSeconds(10));
    // A client that is stopped for a while doesn't read; the idle timeout decides how long that may be.
    CoreModuleProperties.NIO2_MIN_WRITE_TIMEOUT.set(this, Duration.ofMinutes(10));
  }

  private static void requireFastCipher() {
    try {
      String provider = SecurityUtils.getCipher("AES/GCM/NoPadding").getProvider().getName();
      if (!provider.equals("SunJCE")) {
        throw new IllegalStateException("AES-GCM comes from " + provider
            + ", which is far too slow; SunJCE has to stand before it in java.security");
      }
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException("this Java runtime has no AES-GCM", e);
    }
  }

  /** Ends a session politely: the client is told why. Doesn't block. */
  static void disconnect(Session session, String reason) {
    try {
      session.disconnect(org.apache.sshd.common.SshConstants.SSH2_DISCONNECT_BY_APPLICATION, reason);
    } catch (java.io.IOException e) {
      session.close(true);
    }
  }
}
