package io.flotilla.sftp;

import io.flotilla.adapter.BindProblem;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientEventSink;
import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.vfs.ActiveUploads;
import io.flotilla.vfs.UserHomes;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.security.KeyPair;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.apache.sshd.server.channel.ChannelSession;
import org.apache.sshd.server.command.Command;
import org.apache.sshd.server.session.ServerSession;
import org.apache.sshd.server.subsystem.SubsystemFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves SFTP as the configuration says, and follows it while running. It touches only the listeners that differ; a moved
 * one is bound to its new port before the old is closed, and sessions go on until they end or the drain time is over. A
 * listener that can't be opened is reported, tried again at the next {@link #apply}, and never stops another. Sessions
 * whose user or credential was revoked end at once. apply is called by one thread at a time; all else is safe for all.
 */
public final class SftpAdapter implements ConfigListener {
  private static final Logger log = LoggerFactory.getLogger(SftpAdapter.class);
  private static final String PROTOCOL = "sftp";
  private static final Duration FAREWELL = Duration.ofSeconds(2);

  private final Supplier<ConfigView> view;
  private final SftpSettings settings;
  private final ClientEventSink events;
  private final Clock clock;
  private final SshEngine engine;
  private final ClientLogins logins;
  private final UserHomes homes;
  private final PacketPool pool = new PacketPool();
  private final Map<String, SftpListener> listeners = new HashMap<>();
  private final List<SftpListener> draining = new ArrayList<>();
  private final Map<String, String> failures = new HashMap<>();
  private boolean closed;

  /**
   * @param view the configuration logins are judged by; swapped before apply is called
   * @param uploads shared by all adapters of the process
   * @throws IllegalStateException if this Java runtime can't encrypt fast enough
   */
  public SftpAdapter(Supplier<ConfigView> view, Authenticator authenticator, LiveConnections connections,
      ClientEventSink events, ActiveUploads uploads, SftpSettings settings, Clock clock) {
    this.view = view;
    this.settings = settings;
    this.events = events;
    this.clock = clock;
    this.homes = new UserHomes(uploads);
    this.logins = new ClientLogins(view, connections, events, clock);
    this.engine = SshEngine.create(settings);
    SshLogins sshLogins = new SshLogins(authenticator, logins);
    engine.setPasswordAuthenticator(sshLogins);
    engine.setPublickeyAuthenticator(sshLogins);
    engine.addSessionListener(sshLogins);
    engine.setSubsystemFactories(List.of(new Subsystem()));
    engine.getScheduledExecutorService().scheduleWithFixedDelay(this::endExpired, 1, 1, TimeUnit.SECONDS);
  }

  @Override
  public String name() {
    return PROTOCOL;
  }

  @Override
  public synchronized List<String> apply(ConfigDelta delta, ConfigView now) {
    if (closed) {
      return List.of();
    }
    logins.endRevoked(delta, now);
    if (failures.isEmpty() && !delta.touches(Kind.LISTENERS, Kind.HOST_KEYS, Kind.NODES)) {
      return List.of(); // most changes are of users; reading the host keys again would be their largest cost
    }
    SortedMap<String, String> problems = new TreeMap<>();
    SortedMap<String, ConfigView.OpenListener> wanted = sftpListeners(now);
    for (String name : List.copyOf(listeners.keySet())) {
      if (!wanted.containsKey(name)) {
        retire(listeners.remove(name));
      }
    }
    Map<String, InetSocketAddress> toBind = new TreeMap<>();
    wanted.forEach((name, open) -> prepare(name, open, now, problems, toBind));
    bindAll(toBind, problems);
    report(problems);
    return List.copyOf(problems.values());
  }

  @Override
  public synchronized List<String> check(ConfigDelta delta, ConfigView next) {
    List<String> objections = new ArrayList<>();
    SortedMap<String, ConfigView.OpenListener> before = sftpListeners(view.get());
    SortedMap<String, ConfigView.OpenListener> after = sftpListeners(next);
    Set<String> changedKeys = delta.names(Kind.HOST_KEYS);
    after.forEach((name, open) -> {
      ConfigView.OpenListener was = before.get(name);
      if (was == null || !was.address().equals(open.address()) || was.port() != open.port()) {
        checkAddress(name, open, next, objections);
      }
      if (!open.listener().equals(was == null ? null : was.listener())
          || next.hostKeys(open.listener()).stream().anyMatch(key -> changedKeys.contains(key.name()))) {
        Map<String, String> problems = new HashMap<>();
        if (readKeys(name, next.hostKeys(open.listener()), problems).isEmpty()) {
          problems.putIfAbsent(name, "listener " + name + " would have no host key");
        }
        objections.addAll(problems.values());
      }
    });
    return objections;
  }

  private static SortedMap<String, ConfigView.OpenListener> sftpListeners(ConfigView view) {
    SortedMap<String, ConfigView.OpenListener> listeners = new TreeMap<>(view.listeners());
    listeners.values().removeIf(open -> !open.listener().protocol().equals(Listener.Protocol.SFTP));
    return listeners;
  }

  /** An address that a listener of ours gives up with this change counts as free. */
  private void checkAddress(String name, ConfigView.OpenListener open, ConfigView next, List<String> objections) {
    InetSocketAddress address = new InetSocketAddress(open.address(), open.port());
    if (address.isUnresolved()) {
      objections.add("listener " + name + ": the address " + open.address() + " can't be resolved");
      return;
    }
    Optional<String> rival = next.listeners().entrySet().stream()
        .filter(other -> !other.getKey().equals(name)
            && overlaps(address, new InetSocketAddress(other.getValue().address(), other.getValue().port())))
        .map(Map.Entry::getKey).findFirst();
    if (rival.isPresent()) {
      objections.add("listener " + name + ": listener " + rival.get() + " has port " + open.port() + " there");
      return;
    }
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (IOException e) {
      if (listeners.values().stream().noneMatch(own -> own.bound() != null && overlaps(address, own.bound()))) {
        objections.add("listener " + name + ": " + BindProblem.explain(address, e));
      }
    }
  }

  /** Whether one of two addresses can be bound only if the other is not. */
  private static boolean overlaps(InetSocketAddress one, InetSocketAddress other) {
    return one.getPort() == other.getPort() && !other.isUnresolved()
        && (one.getAddress().equals(other.getAddress()) || one.getAddress().isAnyLocalAddress()
            || other.getAddress().isAnyLocalAddress());
  }

  /** Brings a listener's options up to date and notes the address it still has to be bound to. */
  private void prepare(String name, ConfigView.OpenListener open, ConfigView now, Map<String, String> problems,
      Map<String, InetSocketAddress> toBind) {
    open.listener().hostKeys().stream().filter(key -> now.hostKey(key).isEmpty()).findFirst().ifPresent(key ->
        problems.put(name, "listener " + name + " names the host key " + key + ", which does not exist"));
    List<KeyPair> keys = readKeys(name, now.hostKeys(open.listener()), problems);
    SftpListener listener = listeners.get(name);
    if (keys.isEmpty()) {
      problems.putIfAbsent(name, "listener " + name + " has no host key: create one (host-keys) "
          + "or name one that exists in the listener's ssh.hostKeys");
      if (listener == null) {
        return;
      }
      keys = listener.options().hostKeys();
    }
    SftpListener.Options options =
        new SftpListener.Options(keys, open.listener().maxConnections(), open.listener().idleTimeout());
    try {
      InetSocketAddress address = new InetSocketAddress(InetAddress.getByName(open.address()), open.port());
      if (listener == null) {
        listener = new SftpListener(name, engine, options, settings.maxUnauthenticated());
        listeners.put(name, listener);
      }
      listener.options(options);
      if (!address.equals(listener.bound())) {
        toBind.put(name, address);
      }
    } catch (IOException e) {
      problems.put(name, "listener " + name + ": the address " + open.address() + " can't be resolved");
    }
  }

  private static List<KeyPair> readKeys(String listener, List<HostKey> hostKeys, Map<String, String> problems) {
    List<KeyPair> keys = new ArrayList<>();
    for (HostKey hostKey : hostKeys) {
      try {
        keys.add(HostKeyGenerator.read(hostKey.privateKey().reveal()));
      } catch (IllegalArgumentException e) {
        problems.put(listener, "listener " + listener + ": host key " + hostKey.name() + ": " + e.getMessage());
      }
    }
    return keys;
  }

  /** Binds new addresses first; where listeners swap theirs, those in each other's way give up the old ones. */
  private void bindAll(Map<String, InetSocketAddress> toBind, Map<String, String> problems) {
    Map<String, InetSocketAddress> blocked = new TreeMap<>();
    toBind.forEach((name, address) -> {
      if (!bind(listeners.get(name), address, problems)) {
        blocked.put(name, address);
      }
    });
    Map<String, InetSocketAddress> former = new TreeMap<>();
    blocked.keySet().stream().map(listeners::get).filter(listener -> listener.bound() != null)
        .forEach(listener -> former.put(listener.name(), listener.bound()));
    blocked.values().removeIf(address -> former.values().stream().noneMatch(held -> overlaps(address, held)));
    former.keySet().retainAll(blocked.keySet());
    former.forEach((name, address) -> listeners.get(name).release(address));
    blocked.forEach((name, address) -> {
      problems.remove(name);
      SftpListener listener = listeners.get(name);
      if (!bind(listener, address, problems) && former.get(name) != null) {
        bind(listener, former.get(name), new HashMap<>()); // back to where it was; the problem stays reported
      }
    });
  }

  private boolean bind(SftpListener listener, InetSocketAddress address, Map<String, String> problems) {
    InetSocketAddress former = listener.bound();
    try {
      listener.bind(address);
    } catch (IOException | RuntimeException e) {
      problems.put(listener.name(), "listener " + listener.name() + ": " + BindProblem.explain(address, e));
      return false;
    }
    log.info("Listener {} serves SFTP on {}", listener.name(), address);
    events.accept(new ClientEvent.ListenerOpened(clock.instant(), listener.name(), PROTOCOL,
        address.getAddress().getHostAddress(), address.getPort()));
    if (former != null) {
      release(listener, former);
    }
    return true;
  }

  private void release(SftpListener listener, InetSocketAddress address) {
    listener.release(address);
    log.info("Listener {} no longer takes connections on {}", listener.name(), address);
    events.accept(new ClientEvent.ListenerClosed(clock.instant(), listener.name(), PROTOCOL,
        address.getAddress().getHostAddress(), address.getPort()));
    List<ClientState> remaining = listener.clients();
    if (!remaining.isEmpty()) {
      engine.getScheduledExecutorService().schedule(
          () -> remaining.forEach(client -> client.disconnect("the listener was closed")),
          settings.drain().toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void retire(SftpListener listener) {
    draining.removeIf(old -> {
      boolean over = old.clients().isEmpty();
      if (over) {
        old.dispose();
      }
      return over;
    });
    draining.add(listener);
    if (listener.bound() != null) {
      release(listener, listener.bound());
    }
  }

  private void report(Map<String, String> problems) {
    problems.forEach((name, problem) -> {
      if (!problem.equals(failures.get(name))) {
        log.error("{}", problem);
        events.accept(new ClientEvent.ListenerFailed(clock.instant(), name, PROTOCOL, problem));
      }
    });
    failures.clear();
    failures.putAll(problems);
  }

  private synchronized List<ClientState> clients() {
    List<ClientState> all = new ArrayList<>();
    listeners.values().forEach(listener -> all.addAll(listener.clients()));
    draining.forEach(listener -> all.addAll(listener.clients()));
    return all;
  }

  private void endExpired() {
    try {
      logins.endExpired();
    } catch (RuntimeException e) {
      log.error("Expired users could not be looked for", e); // thrown, it would end the timer
    }
  }

  /**
   * Stops accepting, waits until no transfer runs or the time is over, then ends all sessions with a reason. Blocks that
   * long.
   */
  public void close(Duration drain) {
    synchronized (this) {
      closed = true;
      listeners.values().forEach(listener -> {
        if (listener.bound() != null) {
          listener.release(listener.bound());
        }
      });
    }
    long deadline = System.nanoTime() + drain.toNanos();
    try {
      while (System.nanoTime() < deadline && clients().stream().anyMatch(SftpAdapter::isTransferring)) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    clients().forEach(client -> client.disconnect("the server is shutting down"));
    awaitFarewell();
    synchronized (this) {
      listeners.values().forEach(SftpListener::dispose);
      draining.forEach(SftpListener::dispose);
    }
    engine.close(true);
  }

  private void awaitFarewell() {
    long deadline = System.nanoTime() + FAREWELL.toNanos();
    try {
      while (System.nanoTime() < deadline && !clients().isEmpty()) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static boolean isTransferring(ClientState client) {
    ClientLogins.ClientLogin login = client.login;
    return login != null && login.connection().isTransferring();
  }

  private final class Subsystem implements SubsystemFactory {
    @Override
    public String getName() {
      return PROTOCOL;
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
