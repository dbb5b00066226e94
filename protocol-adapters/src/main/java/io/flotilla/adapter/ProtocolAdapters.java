package io.flotilla.adapter;

import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.UnknownHostException;
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
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the listeners of all protocols as the configuration says, and follows it while running. It touches only those that
 * differ; a moved one is bound to its new address before the old is given up, and its sessions go on until they end or the
 * drain time is over. All protocols are in one place because an address that one gives up is what another may take in the
 * same change. A listener that can't be opened is reported, tried again at the next {@link #apply}, and never stops another.
 * Sessions whose user or credential was revoked end at once. While drained no listener has an address, and the configuration is followed
 * all the same, so that serving can be resumed under the newest. apply and check are called by one thread at a time; all else is
 * safe for all.
 */
public final class ProtocolAdapters implements ConfigListener {
  private static final Logger log = LoggerFactory.getLogger(ProtocolAdapters.class);
  private static final Duration FAREWELL = Duration.ofSeconds(2);
  private static final long TOLD = Long.MAX_VALUE;

  private enum Phase { SERVING, DRAINED, CLOSED }

  private final Map<Listener.Protocol, ProtocolAdapter<?>> adapters = new HashMap<>();
  private final ClientLogins logins;
  private final ClientEventSink events;
  private final Duration drain;
  private final Clock clock;
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("listener-timer").factory());
  private final SortedMap<String, Served<?>> served = new TreeMap<>();
  private final List<Served<?>> retired = new ArrayList<>();
  /** Both, for those who may not wait. */
  private volatile List<Served<?>> all = List.of();
  private Map<String, List<String>> failures = Map.of();
  /** Since when there is nothing going on between a client and a node that is drained, or {@link #TOLD}. */
  private final Map<ProtocolClient, Long> quietSince = new HashMap<>();
  private Phase phase = Phase.SERVING;
  private boolean isToReopen;
  private volatile long version;

  /**
   * @param adapters one for each protocol; closed with this
   * @param drain how long sessions of a closed or moved listener may go on
   */
  public ProtocolAdapters(List<? extends ProtocolAdapter<?>> adapters, ClientLogins logins, ClientEventSink events,
      Duration drain, Clock clock) {
    adapters.forEach(adapter -> this.adapters.put(adapter.protocol(), adapter));
    this.logins = logins;
    this.events = events;
    this.drain = drain;
    this.clock = clock;
    timer.scheduleWithFixedDelay(this::everySecond, 1, 1, TimeUnit.SECONDS);
  }

  /** A listener that was opened, or is to be. */
  private static final class Served<O> {
    final String name;
    final ProtocolAdapter<O> adapter;
    final ProtocolListener<O> listener;
    /** The address new connections come by; null while there is none. */
    InetSocketAddress bound;

    Served(String name, ProtocolAdapter<O> adapter, O options) {
      this.name = name;
      this.adapter = adapter;
      this.listener = adapter.create(name, options);
    }

    /** Whether it can go on under a configuration. */
    boolean reconfigure(ConfigView.OpenListener open, ConfigView view, Problems problems) {
      Optional<O> options = adapter.options(open, view, Optional.of(listener.options()), problem -> problems.add(name, problem));
      options.ifPresent(listener::reconfigure);
      return options.isPresent();
    }

    /** Gives up the address it has, and returns it; null if it has none. */
    InetSocketAddress release() {
      InetSocketAddress former = bound;
      if (former != null) {
        listener.release(former);
        bound = null;
      }
      return former;
    }

    boolean holds(InetSocketAddress address) {
      return bound != null && overlaps(address, bound);
    }

    String protocol() {
      return adapter.protocol().id();
    }
  }

  /** What is wrong with each listener, in sentences that begin with its name. */
  private static final class Problems {
    final SortedMap<String, List<String>> byListener = new TreeMap<>();

    void add(String listener, String problem) {
      byListener.computeIfAbsent(listener, name -> new ArrayList<>()).add("listener " + listener + ": " + problem);
    }

    List<String> all() {
      return byListener.values().stream().flatMap(List::stream).toList();
    }
  }

  @Override
  public String name() {
    return "listeners";
  }

  @Override
  public synchronized List<String> apply(ConfigDelta delta, ConfigView now) {
    if (phase == Phase.CLOSED) {
      return List.of();
    }
    logins.endRevoked(delta, now);
    if (failures.isEmpty() && !concerns(delta) && !isToReopen) {
      version = now.config().version();
      return List.of(); // most changes are of users; reading the keys again would be their largest cost
    }
    Problems problems = new Problems();
    SortedMap<String, ConfigView.OpenListener> wanted = wanted(now);
    for (Served<?> one : List.copyOf(served.values())) {
      ConfigView.OpenListener open = wanted.get(one.name);
      if (open == null || !open.listener().protocol().equals(one.adapter.protocol())) {
        retire(served.remove(one.name));
      }
    }
    SortedMap<String, InetSocketAddress> toBind = new TreeMap<>();
    wanted.forEach((name, open) -> prepare(name, open, now, problems)
        .filter(address -> !address.equals(served.get(name).bound))
        .ifPresent(address -> toBind.put(name, address)));
    noteAll();
    if (phase == Phase.SERVING) {
      isToReopen = false;
      bindAll(toBind, problems);
    }
    report(problems, wanted);
    version = now.config().version();
    return problems.all();
  }

  private boolean concerns(ConfigDelta delta) {
    return delta.touches(Kind.LISTENERS, Kind.NODES)
        || adapters.values().stream().anyMatch(adapter -> delta.touches(adapter.kinds().toArray(Kind[]::new)));
  }

  private SortedMap<String, ConfigView.OpenListener> wanted(ConfigView view) {
    SortedMap<String, ConfigView.OpenListener> listeners = new TreeMap<>(view.listeners());
    listeners.values().removeIf(open -> !adapters.containsKey(open.listener().protocol()));
    return listeners;
  }

  /** Brings a listener's options up to date and returns the address it has to be bound to, if it can be. */
  private Optional<InetSocketAddress> prepare(
      String name, ConfigView.OpenListener open, ConfigView now, Problems problems) {
    Served<?> present = served.get(name);
    if (present == null) {
      Optional<? extends Served<?>> made = make(name, adapters.get(open.listener().protocol()), open, now, problems);
      if (made.isEmpty()) {
        return Optional.empty();
      }
      served.put(name, made.get());
    } else if (!present.reconfigure(open, now, problems)) {
      retire(served.remove(name)); // as it was it might let in what it no longer may
      return Optional.empty();
    }
    try {
      return Optional.of(new InetSocketAddress(InetAddress.getByName(open.address()), open.port()));
    } catch (UnknownHostException e) {
      problems.add(name, unresolved(open));
      return Optional.empty();
    }
  }

  private static <O> Optional<Served<O>> make(String name, ProtocolAdapter<O> adapter, ConfigView.OpenListener open,
      ConfigView now, Problems problems) {
    return adapter.options(open, now, Optional.empty(), problem -> problems.add(name, problem))
        .map(options -> new Served<>(name, adapter, options));
  }

  private static String unresolved(ConfigView.OpenListener open) {
    return "the address " + open.address() + " can't be resolved";
  }

  @Override
  public synchronized List<String> check(ConfigDelta delta, ConfigView next) {
    if (!concerns(delta)) {
      return List.of();
    }
    ConfigView before = new ConfigView(delta.from(), next.node());
    SortedMap<String, ConfigView.OpenListener> open = wanted(before);
    List<String> known = optionProblems(before, open);
    List<String> objections = new ArrayList<>(optionProblems(next, wanted(next)));
    objections.removeIf(known::contains);
    Problems problems = new Problems();
    wanted(next).forEach((name, listener) -> {
      ConfigView.OpenListener was = open.get(name);
      boolean moved = was == null || !was.address().equals(listener.address()) || was.port() != listener.port();
      if (moved || !was.listener().ftp().passivePorts().equals(listener.listener().ftp().passivePorts())) {
        checkAddress(name, listener, moved, next, problems);
      }
    });
    objections.addAll(problems.all());
    return objections;
  }

  private List<String> optionProblems(ConfigView view, Map<String, ConfigView.OpenListener> listeners) {
    Problems problems = new Problems();
    listeners.forEach((name, open) -> adapters.get(open.listener().protocol())
        .options(open, view, Optional.empty(), problem -> problems.add(name, problem)));
    return problems.all();
  }

  /** An address that one of our listeners gives up with this change counts as free. */
  private void checkAddress(
      String name, ConfigView.OpenListener open, boolean moved, ConfigView next, Problems problems) {
    InetSocketAddress address = new InetSocketAddress(open.address(), open.port());
    if (address.isUnresolved()) {
      problems.add(name, unresolved(open));
      return;
    }
    Optional<String> conflict = wanted(next).entrySet().stream()
        .filter(other -> !other.getKey().equals(name))
        .flatMap(other -> conflict(address, open.listener(), other.getValue()).stream())
        .findFirst();
    if (conflict.isPresent()) {
      problems.add(name, conflict.get());
      return;
    }
    open.listener().ftp().passivePorts().filter(ports -> ports.contains(open.port())).ifPresent(ports ->
        problems.add(name, "the passive ports " + ports + " hold its own port " + open.port()));
    if (moved) {
      tryToBind(name, address, problems);
    }
  }

  /** What the configuration can't see, because a node may have ports and addresses of its own. */
  private static Optional<String> conflict(
      InetSocketAddress address, Listener listener, ConfigView.OpenListener other) {
    InetSocketAddress otherAddress = new InetSocketAddress(other.address(), other.port());
    if (overlaps(address, otherAddress)) {
      return Optional.of(taken(other.listener().name(), address));
    }
    return addressesMeet(address, otherAddress)
        ? listener.passiveConflict(address.getPort(), other.listener(), other.port()).map(FieldError::detail)
        : Optional.empty();
  }

  private void tryToBind(String name, InetSocketAddress address, Problems problems) {
    try (ServerSocket socket = new ServerSocket()) {
      socket.setReuseAddress(true);
      socket.bind(address);
    } catch (IOException e) {
      if (holder(address).isEmpty()) {
        problems.add(name, BindProblem.explain(address, e));
      }
    }
  }

  private static String taken(String by, InetSocketAddress address) {
    return "listener " + by + " has port " + address.getPort() + " there";
  }

  /** Whether one of two addresses can be bound only if the other is not. */
  private static boolean overlaps(InetSocketAddress one, InetSocketAddress other) {
    return one.getPort() == other.getPort() && addressesMeet(one, other);
  }

  private static boolean addressesMeet(InetSocketAddress one, InetSocketAddress other) {
    return !other.isUnresolved() && (one.getAddress().equals(other.getAddress())
        || one.getAddress().isAnyLocalAddress() || other.getAddress().isAnyLocalAddress());
  }

  /** The listener of ours that has an address now. */
  private Optional<Served<?>> holder(InetSocketAddress address) {
    return served.values().stream().<Served<?>>map(one -> one).filter(one -> one.holds(address)).findFirst();
  }

  /**
   * Binds new addresses, those first that none of ours has: so the others get free, except where listeners wait for each
   * other in a circle or for themselves (one that widens its address). These give up what they have before they are bound.
   */
  private void bindAll(SortedMap<String, InetSocketAddress> toBind, Problems problems) {
    SortedMap<String, InetSocketAddress> pending = new TreeMap<>(toBind);
    bindFree(pending, problems);
    Map<Served<?>, InetSocketAddress> givenUp = new HashMap<>();
    pending.keySet().stream().map(served::get)
        .filter(one -> pending.values().stream().anyMatch(one::holds))
        .forEach(one -> givenUp.put(one, one.bound));
    givenUp.keySet().forEach(Served::release);
    bindFree(pending, problems);
    // What one that stays where it is seems to hold: whether it does is for the system to say.
    pending.forEach((name, address) -> bind(served.get(name), address, problems));
    givenUp.forEach((one, former) -> {
      if (one.bound == null) {
        goBack(one, former);
      }
      if (!former.equals(one.bound)) {
        released(one, former);
      }
    });
  }

  /** To where it was; why it could not move is reported already. */
  private static void goBack(Served<?> one, InetSocketAddress former) {
    try {
      one.listener.bind(former);
      one.bound = former;
    } catch (IOException | RuntimeException e) {
      log.debug("Listener {} did not get {} back", one.name, former, e);
    }
  }

  /** Binds what none of our listeners holds, until nothing more gets free; what is left stays pending. */
  private void bindFree(SortedMap<String, InetSocketAddress> pending, Problems problems) {
    boolean again = true;
    while (again) {
      again = pending.entrySet().removeIf(entry -> {
        boolean free = holder(entry.getValue()).isEmpty();
        if (free) {
          bind(served.get(entry.getKey()), entry.getValue(), problems);
        }
        return free;
      });
    }
  }

  private void bind(Served<?> one, InetSocketAddress address, Problems problems) {
    InetSocketAddress former = one.bound;
    try {
      one.listener.bind(address);
    } catch (IOException | RuntimeException e) {
      problems.add(one.name, holder(address).map(holder -> taken(holder.name, address))
          .orElseGet(() -> BindProblem.explain(address, e)));
      return;
    }
    one.bound = address;
    log.info("Listener {} serves {} on {}", one.name, one.protocol(), address);
    events.accept(new ClientEvent.ListenerOpened(clock.instant(), one.name, one.protocol(),
        address.getAddress().getHostAddress(), address.getPort()));
    if (former != null) {
      one.listener.release(former);
      released(one, former);
    }
  }

  /** Tells that an address was given up, and gives the clients there are until the drain time is over. */
  private void released(Served<?> one, InetSocketAddress address) {
    tellClosed(one, address);
    List<? extends ProtocolClient> remaining = one.listener.clients();
    if (!remaining.isEmpty()) {
      timer.schedule(() -> remaining.forEach(client -> client.disconnect("the listener was closed")),
          drain.toMillis(), TimeUnit.MILLISECONDS);
    }
  }

  private void tellClosed(Served<?> one, InetSocketAddress address) {
    log.info("Listener {} no longer takes connections on {}", one.name, address);
    events.accept(new ClientEvent.ListenerClosed(clock.instant(), one.name, one.protocol(),
        address.getAddress().getHostAddress(), address.getPort()));
  }

  private void retire(Served<?> one) {
    retired.add(one);
    InetSocketAddress former = one.release();
    if (former != null) {
      released(one, former);
    }
  }

  private void report(Problems problems, Map<String, ConfigView.OpenListener> wanted) {
    problems.byListener.forEach((name, found) -> found.stream()
        .filter(problem -> !failures.getOrDefault(name, List.of()).contains(problem))
        .forEach(problem -> {
          log.error("{}", problem);
          events.accept(new ClientEvent.ListenerFailed(
              clock.instant(), name, wanted.get(name).listener().protocol().id(), problem));
        }));
    failures = problems.byListener;
  }

  private void everySecond() {
    try {
      logins.endExpired();
      disposeOfRetired();
    } catch (RuntimeException e) {
      log.error("Expired users could not be looked for", e); // thrown, it would end the timer
    }
  }

  private synchronized void disposeOfRetired() {
    retired.removeIf(one -> {
      boolean over = one.listener.clients().isEmpty();
      if (over) {
        one.listener.dispose();
      }
      return over;
    });
    noteAll();
  }

  private List<ProtocolClient> clients() {
    return all.stream().<ProtocolClient>flatMap(one -> one.listener.clients().stream()).toList();
  }

  private void noteAll() {
    all = Stream.<Served<?>>concat(served.values().stream(), retired.stream()).toList();
  }

  /** The version of the configuration that was applied last, with whatever problems; 0 before the first. */
  public long version() {
    return version;
  }

  /** Closes the listeners until {@link #resume}. The clients that are there go on. */
  public synchronized void drain() {
    if (phase == Phase.SERVING) {
      phase = Phase.DRAINED;
      served.values().forEach(one -> {
        InetSocketAddress former = one.release();
        if (former != null) {
          tellClosed(one, former);
        }
      });
    }
  }

  /** Lets the next {@link #apply}, whatever it is for, open the listeners that the configuration has then. */
  public synchronized void resume() {
    if (phase == Phase.DRAINED) {
      phase = Phase.SERVING;
      isToReopen = true;
      quietSince.clear();
    }
  }

  /**
   * Ends the clients that have transferred nothing for a time, as far as is seen by calling this again and again. Those that send one file
   * after another have that time from one to the next.
   *
   * @param reason for the clients
   */
  public synchronized void endQuiet(Duration quiet, String reason) {
    List<ProtocolClient> present = clients();
    quietSince.keySet().retainAll(Set.copyOf(present));
    long now = System.nanoTime();
    for (ProtocolClient client : present) {
      if (client.isTransferring()) {
        quietSince.remove(client);
      } else if (now - quietSince.computeIfAbsent(client, first -> now) >= quiet.toNanos() && quietSince.put(client, TOLD) != TOLD) {
        client.disconnect(reason);
      }
    }
  }

  /** Ends all clients, whatever they do. */
  public void endAll(String reason) {
    clients().forEach(client -> client.disconnect(reason));
  }

  /** How many clients there are, logged in or not. Never blocks. */
  public int remaining() {
    return clients().size();
  }

  /**
   * How much of what a node may take on is taken, from 0 to 1: of the connections of its fullest listener, and of the transfers of its
   * fullest protocol.
   */
  public record Use(double connections, double transfers) {}

  /** As it is now. */
  public synchronized Use use(ConfigView view) {
    Map<String, ConfigView.OpenListener> open = view.listeners();
    double connections = served.values().stream().filter(one -> open.containsKey(one.name))
        .mapToDouble(one -> one.listener.clients().size() / (double) open.get(one.name).listener().maxConnections()).max().orElse(0);
    return new Use(Math.min(1, connections), adapters.values().stream().mapToDouble(ProtocolAdapter::use).max().orElse(0));
  }

  /**
   * Stops accepting, waits until no transfer runs or the time is over, then ends all sessions with a reason. Blocks that
   * long.
   */
  public void close(Duration longest) {
    drain();
    synchronized (this) {
      phase = Phase.CLOSED;
    }
    await(longest, () -> clients().stream().noneMatch(ProtocolClient::isTransferring));
    endAll("the server is shutting down");
    await(FAREWELL, () -> clients().isEmpty());
    timer.shutdownNow();
    synchronized (this) {
      all.forEach(one -> one.listener.dispose());
    }
    adapters.values().forEach(ProtocolAdapter::close);
  }

  private static void await(Duration longest, BooleanSupplier over) {
    long deadline = System.nanoTime() + longest.toNanos();
    try {
      while (!over.getAsBoolean() && System.nanoTime() < deadline) {
        TimeUnit.MILLISECONDS.sleep(20);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
