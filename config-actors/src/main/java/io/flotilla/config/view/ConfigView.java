package io.flotilla.config.view;

import io.flotilla.config.model.Certificate;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Folder;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.NodeOverride;
import io.flotilla.config.model.Storage;
import io.flotilla.config.model.User;
import java.nio.file.Path;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/** What protocol code sees of the configuration: an immutable snapshot, read from the point of view of one node. */
public record ConfigView(ClusterConfig config, NodeIdentity node) {
  /**
   * A listener with the address and port it has on this node.
   *
   * @param listener with the passive mode it has on this node
   */
  public record OpenListener(Listener listener, String address, int port) {}

  /** A user with what the groups give: all that is to be served, and brought together nowhere else. */
  public Optional<User> user(String name) {
    return config.find(Kind.USERS, name, User.class).map(user -> user.in(config));
  }

  public Optional<Listener> listener(String name) {
    return config.find(Kind.LISTENERS, name, Listener.class);
  }

  public Optional<Storage> storage(String name) {
    return config.find(Kind.STORAGES, name, Storage.class);
  }

  public Optional<Folder> folder(String name) {
    return config.find(Kind.FOLDERS, name, Folder.class);
  }

  /** What a user's files are under this configuration. */
  public UserAccess access(User user) {
    return UserAccess.of(user, this);
  }

  public Optional<HostKey> hostKey(String name) {
    return config.find(Kind.HOST_KEYS, name, HostKey.class);
  }

  public Optional<Certificate> certificate(String name) {
    return config.find(Kind.CERTIFICATES, name, Certificate.class);
  }

  /** The directory of a storage on this node; none if there is no such storage, or if its type is not known here. */
  public Optional<Path> storagePath(String name) {
    return storage(name).filter(Storage::isKnown).map(storage -> {
      String path = override().map(o -> o.storagePaths().get(name)).orElse(storage.path());
      return Path.of(path.replace("${node}", node.name()));
    });
  }

  /** The listeners this node has to open, by name. */
  public SortedMap<String, OpenListener> listeners() {
    SortedMap<String, OpenListener> open = new TreeMap<>();
    if (node.roles().contains(NodeIdentity.GATEWAY)) {
      Optional<NodeOverride> override = override();
      config.ofKind(Kind.LISTENERS).stream()
          .map(stored -> (Listener) stored.entity())
          .filter(listener -> listener.isOpenOn(node.name(), node.roles()))
          .forEach(listener -> {
            Optional<NodeOverride.ListenerAt> at = override.map(o -> o.listeners().get(listener.name()));
            String address = at.flatMap(NodeOverride.ListenerAt::address).or(listener::address).orElse(node.address());
            int port = at.map(o -> o.port().orElse(listener.port())).orElse(listener.port());
            open.put(listener.name(), new OpenListener(at.map(listener::on).orElse(listener), address, port));
          });
    }
    return open;
  }

  /** The host keys of a listener: those it names, or all there are. */
  public List<HostKey> hostKeys(Listener listener) {
    Collection<String> names = listener.ssh().hostKeys().isEmpty()
        ? config.ofKind(Kind.HOST_KEYS).stream().map(stored -> stored.key().name()).toList()
        : listener.ssh().hostKeys();
    return names.stream().map(this::hostKey).flatMap(Optional::stream).toList();
  }

  private Optional<NodeOverride> override() {
    return config.find(Kind.NODES, node.name(), NodeOverride.class);
  }
}
