package io.flotilla.sftp;

import io.flotilla.config.model.SshAlgorithms;
import java.security.GeneralSecurityException;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.function.BiConsumer;
import org.apache.sshd.common.channel.ChannelFactory;
import org.apache.sshd.common.compression.BuiltinCompressions;
import org.apache.sshd.common.global.KeepAliveHandler;
import org.apache.sshd.common.io.nio2.Nio2ServiceFactoryFactory;
import org.apache.sshd.common.keyprovider.KeyPairProvider;
import org.apache.sshd.common.kex.extension.DefaultServerKexExtensionHandler;
import org.apache.sshd.common.kex.extension.parser.ServerSignatureAlgorithms;
import org.apache.sshd.common.session.Session;
import org.apache.sshd.common.util.security.SecurityUtils;
import org.apache.sshd.common.util.threads.NoCloseExecutor;
import org.apache.sshd.core.CoreModuleProperties;
import org.apache.sshd.server.ServerBuilder;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.auth.password.UserAuthPasswordFactory;
import org.apache.sshd.server.global.NoMoreSessionsHandler;
import org.apache.sshd.server.session.ServerConnectionServiceFactory;

/**
 * MINA's server without a port of its own: algorithms, limits and threads that all listeners share. Each
 * {@link SftpListener} adds an acceptor to it, so that listeners come and go while the engine and its sessions live on.
 */
final class SshEngine extends SshServer {
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
    SshAlgorithms defaults = SshAlgorithms.DEFAULT; // each session has its listener's
    SshEngine engine = (SshEngine) ServerBuilder.builder().factory(SshEngine::new)
        .cipherFactories(SshFactories.ciphers(defaults.of(SshAlgorithms.Use.CIPHERS)))
        .macFactories(SshFactories.macs(defaults.of(SshAlgorithms.Use.MACS)))
        .signatureFactories(SshFactories.signatures(defaults.of(SshAlgorithms.Use.HOST_KEYS)))
        .keyExchangeFactories(SshFactories.keyExchanges(defaults.of(SshAlgorithms.Use.KEY_EXCHANGE)))
        .kexExtensionHandler(new OfferedAlgorithms())
        .compressionFactories(List.of(BuiltinCompressions.none))
        .channelFactories(List.<ChannelFactory>of(RestrictedChannel.factory(settings.maxChannels(), commands)))
        .globalRequestHandlers(List.of(KeepAliveHandler.INSTANCE, NoMoreSessionsHandler.INSTANCE))
        .build();
    engine.setKeyPairProvider(KeyPairProvider.EMPTY_KEYPAIR_PROVIDER); // each session has its listener's keys
    engine.setKeyboardInteractiveAuthenticator(null);
    engine.setServiceFactories(List.of(LoginService.factory(), ServerConnectionServiceFactory.INSTANCE));
    ScheduledThreadPoolExecutor timer =
        new ScheduledThreadPoolExecutor(1, task -> Thread.ofPlatform().daemon().name("sftp-timer").unstarted(task));
    timer.setRemoveOnCancelPolicy(true);
    engine.setScheduledExecutorService(timer, true);
    engine.setIoServiceFactoryFactory(new Nio2ServiceFactoryFactory(() -> new NoCloseExecutor(
        new TransportThreads(Runtime.getRuntime().availableProcessors()))));
    engine.limit(settings);
    engine.checkConfig();
    engine.setupSessionTimeout(null);
    return engine;
  }

  /** Who may log in by what. MINA has none of its own for public keys. */
  void authenticateBy(SshLogins logins) {
    setPasswordAuthenticator(logins);
    setUserAuthFactories(List.of(PublicKeyLogin.factory(logins), UserAuthPasswordFactory.INSTANCE));
    addSessionListener(logins);
  }

  /** Tells clients which signatures of users the listener takes (server-sig-algs, RFC 8308), which are not the server's own. */
  private static final class OfferedAlgorithms extends DefaultServerKexExtensionHandler {
    @Override
    public void collectExtensions(Session session, KexPhase phase, BiConsumer<String, Object> marshaller) {
      if (phase == KexPhase.NEWKEYS) {
        marshaller.accept(ServerSignatureAlgorithms.NAME, PublicKeyLogin.algorithms(ClientState.of(session).options));
      }
    }
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
