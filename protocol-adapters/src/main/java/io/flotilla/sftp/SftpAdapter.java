package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import io.flotilla.vfs.UserHomes;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.security.KeyPair;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.command.Command;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.server.subsystem.SubsystemFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Serves SFTP: one SSH engine that all listeners share, and the host keys they show. */
public final class SftpAdapter implements ProtocolAdapter<SftpListener.Options> {
  private static final Logger log = LoggerFactory.getLogger(SftpAdapter.class);
  private static final String SUBSYSTEM = "sftp";

  private final Supplier<ConfigView> view;
  private final SftpSettings settings;
  private final SshEngine engine;
  private final UserHomes homes;
  private final PacketPool pool = new PacketPool();

  /**
   * @param view the present configuration
   * @param homes shared by all adapters of the process
   * @throws IllegalStateException if this Java runtime can't encrypt fast enough
   */
  public SftpAdapter(Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins, UserHomes homes,
      SftpSettings settings) {
    this.view = view;
    this.settings = settings;
    this.homes = homes;
    this.engine = SshEngine.create(settings);
    SshLogins sshLogins = new SshLogins(authenticator, logins);
    engine.setPasswordAuthenticator(sshLogins);
    engine.setPublickeyAuthenticator(sshLogins);
    engine.addSessionListener(sshLogins);
    engine.setSubsystemFactories(List.of(new Subsystem()));
  }

  @Override
  public Listener.Protocol protocol() {
    return Listener.Protocol.SFTP;
  }

  @Override
  public Set<Kind> kinds() {
    return Set.of(Kind.HOST_KEYS);
  }

  @Override
  public Optional<SftpListener.Options> options(ConfigView.OpenListener open, ConfigView now,
      Optional<SftpListener.Options> former, Consumer<String> problem) {
    Listener listener = open.listener();
    listener.hostKeys().stream().filter(key -> now.hostKey(key).isEmpty()).forEach(key ->
        problem.accept("the host key " + key + ", which it names, does not exist"));
    List<HostKey> hostKeys = now.hostKeys(listener);
    List<KeyPair> keys = read(hostKeys, problem);
    if (hostKeys.isEmpty()) {
      problem.accept("it has no host key: create one (host-keys) or name one that exists in the listener's ssh.hostKeys");
    }
    return keys.isEmpty() && former.isEmpty() ? Optional.empty() : Optional.of(new SftpListener.Options(
        keys.isEmpty() ? former.get().hostKeys() : keys, listener.maxConnections(), listener.idleTimeout()));
  }

  private static List<KeyPair> read(List<HostKey> hostKeys, Consumer<String> problem) {
    List<KeyPair> keys = new ArrayList<>();
    for (HostKey hostKey : hostKeys) {
      try {
        keys.add(HostKeyGenerator.read(hostKey.privateKey().reveal()));
      } catch (IllegalArgumentException e) {
        problem.accept("host key " + hostKey.name() + ": " + e.getMessage());
      }
    }
    return keys;
  }

  @Override
  public ProtocolListener<SftpListener.Options> create(String name, SftpListener.Options options) {
    return new SftpListener(name, engine, options, settings.maxUnauthenticated());
  }

  @Override
  public void close() {
    engine.close(true);
  }

  private final class Subsystem implements SubsystemFactory {
    @Override
    public String getName() {
      return SUBSYSTEM;
    }

    @Override
    public Command createSubsystem(ChannelSession channel) {
      ServerSession session = channel.getServerSession();
      ClientState client = ClientState.of(session);
      return new SftpSubsystem(output -> open(client, output), pool);
    }

    private SftpSession open(ClientState client, SftpOutput output) throws IOException {
      ClientLogins.ClientLogin login = client.login;
      User user = login.granted().user();
      try {
        return new SftpSession(user.name(), homes.open(view.get(), user), output, login.transfers());
      } catch (VfsException e) {
        log.error("Refused user {} from {}: {}", user.name(), client.address, e.getMessage());
        client.disconnect("the home directory is not available");
        throw e;
      }
    }
  }
}
