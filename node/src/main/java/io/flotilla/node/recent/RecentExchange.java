package io.flotilla.node.recent;

import io.flotilla.config.model.Storage;
import io.flotilla.config.view.ConfigView;
import io.flotilla.node.HostPort;
import io.flotilla.vfs.OtherNodes;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * All that this node tells and hears of recent changes in storages of which each node has a copy. To be started when the streams between
 * nodes are open. One per process, safe for all threads.
 */
public final class RecentExchange implements AutoCloseable {
  private final String node;
  private final Supplier<ConfigView> view;
  private final RecentChanges changes;
  private final OtherNodes others;
  private volatile Optional<Link.Dialer> dialer = Optional.empty();
  private volatile Optional<ChangesFollower> follower = Optional.empty();

  public RecentExchange(String node, Supplier<ConfigView> view, RecentChanges.Events events) {
    this.node = node;
    this.view = view;
    this.changes = new RecentChanges(node,
        storage -> view.get().storage(storage).filter(Storage::isKnown).map(Storage::recentChanges).orElse(Duration.ZERO),
        () -> ChronoUnit.MICROS.between(Instant.EPOCH, Instant.now()), System::nanoTime, events);
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

  /** What a node does for others on a link, which is closed afterwards. */
  interface Service {
    void serve(Link link) throws IOException;
  }

  /** By name. */
  Map<String, Service> services(UserHomes homes) {
    return Map.of(ChangesMessages.SERVICE, new ChangesService(changes)::serve,
        FilesMessages.SERVICE, new FilesService(view, homes, changes)::serve);
  }

  /** @param members names and remoting addresses of the cluster's members, as far as that is known now */
  void start(Link.Dialer opened, Supplier<Map<String, HostPort>> members) {
    dialer = Optional.of(opened);
    follower = Optional.of(new ChangesFollower(node, changes, opened, members));
  }

  @Override
  public void close() {
    follower.ifPresent(ChangesFollower::close);
  }
}
