package io.flotilla.sftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.LoginResult;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.SshAlgorithms;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import io.flotilla.scp.Scp;
import io.flotilla.scp.ScpCommand;
import io.flotilla.vfs.UserHomes;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import java.security.KeyPair;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.sshd.common.config.keys.KeyUtils;
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
  private final ClientLogins logins;
  private final SshEngine engine;
  private final UserHomes homes;
  private final PacketPool pool = new PacketPool();

  /**
   * @param view the present configuration
   * @param homes shared by all adapters of the process
   * @throws IllegalStateException if this Java runtime can't encrypt fast enough
   */
  public SftpAdapter(Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins, UserHomes homes,
      SftpSettings settings, Clock clock) {
    this.view = view;
    this.settings = settings;
    this.logins = logins;
    this.homes = homes;
    this.engine = SshEngine.create(settings, this::command);
    engine.authenticateBy(new SshLogins(authenticator, logins, clock));
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
    listener.ssh().hostKeys().stream().filter(key -> now.hostKey(key).isEmpty()).forEach(key ->
        problem.accept("the host key " + key + ", which it names, does not exist"));
    List<HostKey> hostKeys = now.hostKeys(listener);
    List<KeyPair> keys = read(hostKeys, problem);
    if (hostKeys.isEmpty()) {
      problem.accept("it has no host key: create one (host-keys) or name one that exists in the listener's ssh.hostKeys");
    }
    Optional<List<KeyPair>> usable = keys.isEmpty() ? former.map(SftpListener.Options::hostKeys) : Optional.of(keys);
    Optional<SshAlgorithms> algorithms = usable.flatMap(shown -> algorithms(listener.ssh().algorithms(), shown, problem))
        .or(() -> former.map(SftpListener.Options::algorithms));
    return usable.flatMap(shown -> algorithms.map(offered -> new SftpListener.Options(shown, offered, listener.ssh().scp(),
        !listener.ssh().userCertificateAuthorities().isEmpty(), ConnectionGate.Limits.of(listener), listener.idleTimeout(),
        listener.proxies())));
  }

  /** Nothing if no client could connect by them. */
  private static Optional<SshAlgorithms> algorithms(SshAlgorithms wanted, List<KeyPair> keys, Consumer<String> problem) {
    boolean usable = true;
    for (SshAlgorithms.Use use : SshAlgorithms.Use.values()) {
      List<String> unknown = wanted.of(use).stream().filter(name -> !use.allowed().contains(name)).toList();
      if (!unknown.isEmpty()) {
        problem.accept("this release does not know " + String.join(", ", unknown) + " in its ssh.algorithms." + use.field()
            + "; upgrade this node");
      }
      usable &= unknown.size() < wanted.of(use).size();
    }
    List<String> signatures = wanted.of(SshAlgorithms.Use.HOST_KEYS);
    if (keys.stream().map(KeyUtils::getKeyType).noneMatch(
        type -> signatures.stream().map(KeyUtils::getCanonicalKeyType).anyMatch(type::equals))) {
      problem.accept("none of its host keys is of a type in its ssh.algorithms.hostKeys; create one, or allow its type");
      usable = false;
    }
    return usable ? Optional.of(wanted) : Optional.empty();
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
    return new SftpListener(name, engine, options, logins.gate(name, protocol(), settings.maxUnauthenticated()));
  }

  @Override
  public void close() {
    engine.close(true);
  }

  private Optional<ServedChannel> command(ServerSession session, byte[] line) {
    ClientState client = ClientState.of(session);
    if (client.login == null) {
      return Optional.empty(); // the login was refused, and a word of farewell is under way
    }
    if (!client.options.scp()) {
      logRefusedCommand(client, "the listener does not serve scp");
      return Optional.empty();
    }
    try {
      ScpCommand command = ScpCommand.parse(line);
      return Optional.of(
          new ScpChannel(command, () -> openHome(client), client.login.transfers(Scp.PROTOCOL), pool));
    } catch (IllegalArgumentException e) {
      logRefusedCommand(client, e.getMessage());
      return Optional.empty();
    }
  }

  private static void logRefusedCommand(ClientState client, String reason) {
    log.info("Refused a command of user {} from {}: {}", client.login.granted().user().name(), client.address(), reason);
  }

  /** The login, unless it was refused: the word of farewell that is under way must not come after the end of the channel. */
  private static ClientLogins.ClientLogin requireLogin(ServerSession session, ClientState client) throws IOException {
    ClientLogins.ClientLogin login = client.login;
    if (login == null) {
      String reason = LoginResult.Reason.TOO_MANY_SESSIONS.words();
      SshEngine.disconnect(session, reason);
      throw new IOException(reason);
    }
    return login;
  }

  /** Blocks on the storages. */
  private VirtualFileSystem openHome(ClientState client) throws VfsException {
    User user = client.login.granted().user();
    try {
      return homes.open(view.get(), user);
    } catch (VfsException e) {
      log.error("Refused user {} from {}: {}", user.name(), client.address(), e.getMessage());
      client.disconnect("the home directory is not available");
      throw e;
    }
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
      return new SftpSubsystem(output -> open(session, client, output), pool);
    }

    private SftpSession open(ServerSession session, ClientState client, SftpOutput output) throws IOException {
      ClientLogins.ClientLogin login = requireLogin(session, client);
      return new SftpSession(login.granted().user().name(), openHome(client), output, login.transfers());
    }
  }
}
