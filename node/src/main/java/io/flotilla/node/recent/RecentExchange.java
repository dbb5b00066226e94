package io.flotilla.node.recent;

import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Storage;
import io.flotilla.config.view.ConfigView;
import io.flotilla.node.HostPort;
import io.flotilla.node.streams.NodeStream;
import io.flotilla.node.streams.NodeStreams;
import io.flotilla.vfs.OtherNodes;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Collectors;

/**
 * All that this node tells and hears of recent changes in storages of which each node has a copy. To be started when the streams between
 * nodes are open. One per process, safe for all threads.
 */
public final class RecentExchange implements AutoCloseable {
  private static final Duration ARRIVALS = Duration.ofSeconds(3);

  private final String node;
  private final Supplier<ConfigView> view;
  private final RecentChanges changes;
  private final OtherNodes others;
  private final ExchangeMemory memory;
  private final LongSupplier nanos;
  private volatile Optional<Link.Dialer> dialer = Optional.empty();
  private volatile Optional<ChangesFollower> follower = Optional.empty();
  private volatile Optional<Thread> arrivals = Optional.empty();

  /** @param file of the data directory, for what has to be known at the next start */
  public RecentExchange(String node, Supplier<ConfigView> view, RecentChanges.Events events, Path file) {
    this(node, view, events, file, System::nanoTime);
  }

  /** @param nanos as System.nanoTime, for how long a start may take */
  RecentExchange(String node, Supplier<ConfigView> view, RecentChanges.Events events, Path file, LongSupplier nanos) {
    this.node = node;
    this.view = view;
    this.nanos = nanos;
    this.memory = ExchangeMemory.open(file);
    long firstStamp = memory.firstStamp();
    this.changes = new RecentChanges(node,
        storage -> view.get().storage(storage).filter(Storage::isKnown).map(Storage::recentChanges).orElse(Duration.ZERO),
        () -> Math.max(firstStamp, ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now())), System::nanoTime, events);
    this.others = new FilesClient(changes, this::dial, name -> follower.flatMap(one -> one.address(name)));
  }

  private Link dial(HostPort remoting, String service, Duration timeout) throws IOException {
    return dialer.orElseThrow(() -> new IOException("the streams between nodes are not open yet")).dial(remoting, service, timeout);
  }

  public RecentChanges changes() {
    return changes;
  }

  public OtherNodes others() {
    return others;
  }

  /** What this node does for others on streams, by name. */
  public Map<String, NodeStreams.Service> services(UserHomes homes) {
    ChangesService told = new ChangesService(changes);
    FilesService files = new FilesService(view, homes, changes);
    return Map.of(ChangesMessages.SERVICE, (_, stream) -> told.serve(new StreamLink(stream)),
        FilesMessages.SERVICE, (_, stream) -> files.serve(new StreamLink(stream)));
  }

  /** @param members names and remoting addresses of the cluster's members, as far as that is known now; none if it isn't */
  public void start(NodeStreams streams, Supplier<Map<String, HostPort>> members) {
    Link.Dialer opened = (remoting, service, timeout) -> new StreamLink(streams.connect(remoting, service, timeout));
    dialer = Optional.of(opened);
    follower = Optional.of(new ChangesFollower(node, changes, opened, members, this::told, memory, nanos));
  }

  /** The storages whose changes nodes tell each other; empty if there is no configuration yet. */
  private Optional<Set<String>> told() {
    ClusterConfig config = view.get().config();
    return config.version() == 0 ? Optional.empty() : Optional.of(config.ofKind(Kind.STORAGES).stream().map(stored -> stored.key().name())
        .filter(name -> view.get().storage(name).filter(Storage::isKnown).filter(one -> !one.recentChanges().isZero()).isPresent())
        .collect(Collectors.toUnmodifiableSet()));
  }

  /**
   * Why clients would be shown old files by this node, in words for the operator; empty if they wouldn't, or it has listened for so long
   * that nodes which have not been heard since can't be waited for.
   */
  public Optional<String> notReady() {
    return told().filter(storages -> !storages.isEmpty()).isEmpty() ? Optional.empty()
        : follower.isEmpty() ? Optional.of("it does not listen to the other nodes yet") : follower.get().unheard();
  }

  /**
   * Looks every few seconds what of other nodes' files has arrived.
   *
   * @param homes which were given the changes and the others
   */
  public void watchArrivals(UserHomes homes) {
    arrivals = Optional.of(Thread.ofVirtual().name("recent-arrivals").start(() -> {
      try {
        while (true) {
          Thread.sleep(ARRIVALS);
          homes.lookForArrivals(view.get());
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt(); // the node stops
      }
    }));
  }

  private record StreamLink(NodeStream stream) implements Link {
    @Override
    public InputStream in() {
      return stream.in();
    }

    @Override
    public OutputStream out() {
      return stream.out();
    }

    @Override
    public String peer() {
      return stream.peer().name();
    }

    @Override
    public void readTimeout(Duration timeout) throws IOException {
      stream.readTimeout(timeout);
    }

    /** What is written is answered, so that nothing can be lost by not saying goodbye, which might have to wait. */
    @Override
    public void close() {
      stream.cut();
    }
  }

  @Override
  public void close() {
    follower.ifPresent(ChangesFollower::close);
    arrivals.ifPresent(Thread::interrupt);
  }
}
