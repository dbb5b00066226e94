package io.flotilla.config.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * The rules between entities. Only what a change touches is looked at, except that deleting a storage, a folder, a
 * group, a certificate or a host key looks for whoever still needs it.
 */
final class ConfigRules {
  private ConfigRules() {}

  static Optional<Refusal> check(ClusterConfig before, ClusterConfig next, List<Operation> operations) {
    List<FieldError> errors = new ArrayList<>();
    for (int i = 0; i < operations.size(); i++) {
      Operation operation = operations.get(i);
      String pointer = "/operations/" + i + "/value";
      Optional<StoredEntity> after = next.stored(operation.key());
      if (after.isPresent()) {
        checkReferences(next, after.get().entity(), pointer, errors);
      } else {
        Optional<Refusal> inUse = checkUnused(next, operation);
        if (inUse.isPresent()) {
          return inUse;
        }
      }
    }
    return errors.isEmpty()
        ? checkAdmins(before, next, operations)
        : Optional.of(new Refusal(
            Refusal.Reason.INVALID, errors.getFirst().pointer() + " " + errors.getFirst().detail(), errors));
  }

  private static void checkReferences(ClusterConfig next, Entity entity, String pointer, List<FieldError> errors) {
    switch (entity) {
      case User user -> {
        for (int i = 0; i < user.groups().size(); i++) {
          if (next.find(Kind.GROUPS, user.groups().get(i), Group.class).isEmpty()) {
            errors.add(new FieldError(
                pointer + "/groups/" + i, "there is no group named '" + user.groups().get(i) + "'"));
          }
        }
        checkStorage(next, user.in(next).home().storage(), pointer + "/home/storage", errors);
        checkFolders(next, user.settings(), pointer, errors);
      }
      case Group group -> {
        group.settings().home().ifPresent(home -> checkStorage(next, home.storage(), pointer + "/home/storage", errors));
        checkFolders(next, group.settings(), pointer, errors);
      }
      case Listener listener -> checkListener(next, listener, pointer, errors);
      case NodeOverride override -> {
        override.listeners().forEach((name, at) -> {
          String field = pointer + "/listeners" + FieldError.pointer(name);
          Optional<Listener> listener = next.find(Kind.LISTENERS, name, Listener.class);
          if (listener.isEmpty()) {
            errors.add(new FieldError(field, "there is no listener named '" + name + "'"));
          } else if (at.isAboutPassiveMode() && hasNoPassiveMode(listener.get())) {
            errors.add(new FieldError(
                field, "listener '" + name + "' is not an ftp listener, and has no passive mode"));
          }
        });
        override.storagePaths().keySet().forEach(name -> {
          if (next.find(Kind.STORAGES, name, Storage.class).isEmpty()) {
            errors.add(new FieldError(pointer + "/storages" + FieldError.pointer(name), "there is no storage named '" + name + "'"));
          }
        });
      }
      case Folder folder -> checkStorage(next, folder.storage(), pointer + "/storage", errors);
      case Storage storage -> { }
      case Certificate certificate -> { }
      case HostKey key -> { }
      case AccessRule rule -> { }
      case Admin admin -> { }
      case Policy policy -> { }
      case Entity.Unknown unknown -> { }
    }
  }

  private static void checkStorage(ClusterConfig next, String storage, String pointer, List<FieldError> errors) {
    if (next.find(Kind.STORAGES, storage, Storage.class).isEmpty()) {
      errors.add(new FieldError(pointer, "there is no storage named '" + storage + "'"));
    }
  }

  private static void checkFolders(ClusterConfig next, UserSettings settings, String pointer, List<FieldError> errors) {
    for (int i = 0; i < settings.folders().size(); i++) {
      String folder = settings.folders().get(i).folder();
      if (next.find(Kind.FOLDERS, folder, Folder.class).isEmpty()) {
        errors.add(new FieldError(pointer + "/folders/" + i + "/folder", "there is no folder named '" + folder + "'"));
      }
    }
  }

  private static void checkListener(ClusterConfig next, Listener listener, String pointer, List<FieldError> errors) {
    for (int i = 0; i < listener.ssh().hostKeys().size(); i++) {
      if (next.find(Kind.HOST_KEYS, listener.ssh().hostKeys().get(i), HostKey.class).isEmpty()) {
        errors.add(new FieldError(
            pointer + "/ssh/hostKeys/" + i, "there is no host key named '" + listener.ssh().hostKeys().get(i) + "'"));
      }
    }
    if (needsAnyHostKey(listener) && next.ofKind(Kind.HOST_KEYS).isEmpty()) {
      errors.add(new FieldError(pointer + "/ssh/hostKeys", "an sftp listener needs a host key, and there is none"));
    }
    listener.certificate().filter(name -> next.find(Kind.CERTIFICATES, name, Certificate.class).isEmpty())
        .ifPresent(name -> errors.add(new FieldError(
            pointer + "/" + listener.protocol().id() + "/certificate", "there is no certificate named '" + name + "'")));
    if (hasNoPassiveMode(listener)) {
      next.ofKind(Kind.NODES).stream().map(stored -> (NodeOverride) stored.entity())
          .filter(node -> Optional.ofNullable(node.listeners().get(listener.name()))
              .filter(NodeOverride.ListenerAt::isAboutPassiveMode).isPresent())
          .findFirst()
          .ifPresent(node -> errors.add(new FieldError(pointer + "/protocol",
              "nodes/" + node.name() + " has a passive mode for this listener, which only an ftp listener has")));
    }
    List<Listener> rivals = listeners(next)
        .filter(other -> !other.name().equals(listener.name()) && other.meets(listener)).toList();
    rivals.stream().filter(other -> other.port() == listener.port()).findFirst()
        .map(other -> new FieldError("/port", "listener '" + other.name() + "' has port " + other.port() + " on the same address"))
        .or(() -> rivals.stream()
            .flatMap(other -> listener.passiveConflict(listener.port(), other, other.port()).stream()).findFirst())
        .ifPresent(conflict -> errors.add(new FieldError(pointer + conflict.pointer(), conflict.detail())));
  }

  /** What a protocol of a newer release has is not known. */
  private static boolean hasNoPassiveMode(Listener listener) {
    return listener.protocol().isKnown() && !listener.protocol().equals(Listener.Protocol.FTP);
  }

  /** Whoever takes the last admin away, or its role or token, could not undo it. */
  private static Optional<Refusal> checkAdmins(ClusterConfig before, ClusterConfig next, List<Operation> operations) {
    return operations.stream().filter(operation -> operation.kind().equals(Kind.ADMINS.id())).findFirst()
        .filter(operation -> hasAdmin(before) && !hasAdmin(next))
        .map(operation -> Refusal.of(Refusal.Reason.CONFLICT, operation.key()
            + " is still needed by the cluster, as its last admin with the role 'admin' and a token"));
  }

  private static boolean hasAdmin(ClusterConfig config) {
    return config.ofKind(Kind.ADMINS).stream().map(stored -> (Admin) stored.entity())
        .anyMatch(admin -> admin.role() == Admin.Role.ADMIN && admin.tokenHash().isPresent());
  }

  private static Optional<Refusal> checkUnused(ClusterConfig next, Operation operation) {
    String name = operation.name();
    Optional<String> holder = Kind.of(operation.kind()).flatMap(kind -> switch (kind) {
      case STORAGES -> first(next.ofKind(Kind.USERS), user -> ((User) user).in(next).home().storage().equals(name))
          .or(() -> first(next.ofKind(Kind.GROUPS), group ->
              ((Group) group).settings().home().filter(home -> home.storage().equals(name)).isPresent()))
          .or(() -> first(next.ofKind(Kind.FOLDERS), folder -> ((Folder) folder).storage().equals(name)))
          .or(() -> first(next.ofKind(Kind.NODES), node -> ((NodeOverride) node).storagePaths().containsKey(name)));
      case FOLDERS -> first(next.ofKind(Kind.USERS), user -> mounts(((User) user).settings(), name))
          .or(() -> first(next.ofKind(Kind.GROUPS), group -> mounts(((Group) group).settings(), name)));
      case GROUPS -> first(next.ofKind(Kind.USERS), user -> ((User) user).groups().contains(name));
      case CERTIFICATES -> first(next.ofKind(Kind.LISTENERS),
          listener -> ((Listener) listener).certificate().filter(name::equals).isPresent());
      case HOST_KEYS -> first(next.ofKind(Kind.LISTENERS), listener ->
          ((Listener) listener).ssh().hostKeys().contains(name)
              || needsAnyHostKey((Listener) listener) && next.ofKind(Kind.HOST_KEYS).isEmpty());
      case LISTENERS -> first(next.ofKind(Kind.NODES), node -> ((NodeOverride) node).listeners().containsKey(name));
      case USERS, NODES, ACCESS_RULES, ADMINS, POLICIES -> Optional.empty();
    });
    return holder.map(who ->
        Refusal.of(Refusal.Reason.CONFLICT, operation.key() + " is still needed by " + who));
  }

  private static boolean mounts(UserSettings settings, String folder) {
    return settings.folders().stream().anyMatch(mount -> mount.folder().equals(folder));
  }

  private static boolean needsAnyHostKey(Listener listener) {
    return listener.protocol().equals(Listener.Protocol.SFTP) && listener.ssh().hostKeys().isEmpty();
  }

  private static Optional<String> first(Collection<StoredEntity> entities, Predicate<Entity> holds) {
    return entities.stream().filter(stored -> holds.test(stored.entity())).map(stored -> stored.key().toString())
        .findFirst();
  }

  private static java.util.stream.Stream<Listener> listeners(ClusterConfig config) {
    return config.ofKind(Kind.LISTENERS).stream().map(stored -> (Listener) stored.entity());
  }
}
