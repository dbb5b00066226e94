package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a user may have of their own or from a group. What is empty is not said here, and {@link #orElse} takes it from
 * others.
 *
 * @param protocols by which the user may come; by all if it is not said
 * @param authentication by what the user may log in; by a password or a public key if it is not said
 * @param allowFrom from where alone the user may come
 * @param denyFrom from where the user may not come, even if {@code allowFrom} says so
 */
public record UserSettings(
    Optional<Boolean> enabled,
    Optional<Instant> expiresAt,
    Optional<Home> home,
    List<Mount> folders,
    Optional<PathPermissions> permissions,
    Optional<List<Listener.Protocol>> protocols,
    Optional<List<LoginMethod>> authentication,
    Optional<List<Network>> allowFrom,
    Optional<List<Network>> denyFrom,
    Limits limits) {
  static final int MAX_FOLDERS = 100;
  static final int MAX_NETWORKS = 64;

  /** Where a user's root directory is: a path within a storage; {@code ${user}} stands for the user's name. */
  public record Home(String storage, String path) {
    static final Home DEFAULT = new Home("main", "/users/${user}");

    static Home read(Fields fields) {
      String storage = fields.text("storage").orElse(DEFAULT.storage);
      String path = fields.text("path").orElse(DEFAULT.path);
      Storage.problemWithPath(path).ifPresent(problem -> fields.error("path", problem));
      return new Home(storage, path);
    }
  }

  /**
   * A folder that the user finds at a virtual path, in place of whatever the home has there.
   *
   * @param permissions what holds from there downwards, unless the permissions beside it say something for the same path;
   *     without any, it is what holds for the directory above
   */
  public record Mount(String at, String folder, Optional<Set<Permission>> permissions) {
    static Mount read(Fields fields) {
      String at = fields.requiredText("at");
      if (at.equals("/")) {
        fields.error("at", "must not be '/', where the home is");
      } else if (!at.isEmpty()) {
        PathPermissions.problemWithVirtualPath(at).ifPresent(problem -> fields.error("at", problem));
      }
      String folder = fields.requiredText("folder");
      boolean given = fields.has("permissions");
      List<String> words = fields.texts("permissions", Permission.values().length + 1, Permission::problemWith);
      return new Mount(at, folder, given ? Optional.of(PathPermissions.permissions(words)) : Optional.empty());
    }
  }

  /** The most that the home may hold. */
  public record Quota(OptionalLong bytes, OptionalLong files) {
    public boolean isSet() {
      return bytes.isPresent() || files.isPresent();
    }

    private Quota orElse(Quota others) {
      return new Quota(bytes.isPresent() ? bytes : others.bytes, files.isPresent() ? files : others.files);
    }
  }

  /**
   * The most that the home may hold and that the user's sessions may do on a node, all protocols together.
   *
   * @param sessions at the same time
   * @param uploadBytesPerSecond shared by all transfers, as is the other direction
   */
  public record Limits(
      Quota quota, OptionalInt sessions, OptionalLong uploadBytesPerSecond, OptionalLong downloadBytesPerSecond) {
    static final Limits NONE = new Limits(new Quota(OptionalLong.empty(), OptionalLong.empty()),
        OptionalInt.empty(), OptionalLong.empty(), OptionalLong.empty());
    /** Slower, one packet would take longer than clients wait. */
    static final long LEAST_BYTES_PER_SECOND = 10_000;
    private static final int MOST_SESSIONS = 1_000_000;

    static Limits read(Fields fields) {
      return new Limits(
          new Quota(fields.optionalLong("quotaBytes", 0), fields.optionalLong("quotaFiles", 0)),
          fields.optionalInteger("sessions", 1, MOST_SESSIONS),
          fields.optionalLong("uploadBytesPerSecond", LEAST_BYTES_PER_SECOND),
          fields.optionalLong("downloadBytesPerSecond", LEAST_BYTES_PER_SECOND));
    }

    private Limits orElse(Limits others) {
      return new Limits(quota.orElse(others.quota), sessions.isPresent() ? sessions : others.sessions,
          uploadBytesPerSecond.isPresent() ? uploadBytesPerSecond : others.uploadBytesPerSecond,
          downloadBytesPerSecond.isPresent() ? downloadBytesPerSecond : others.downloadBytesPerSecond);
    }

    private void describe(ObjectNode json) {
      quota.bytes.ifPresent(bytes -> json.put("quotaBytes", bytes));
      quota.files.ifPresent(files -> json.put("quotaFiles", files));
      sessions.ifPresent(most -> json.put("sessions", most));
      uploadBytesPerSecond.ifPresent(bytes -> json.put("uploadBytesPerSecond", bytes));
      downloadBytesPerSecond.ifPresent(bytes -> json.put("downloadBytesPerSecond", bytes));
    }
  }

  static UserSettings read(Fields fields) {
    return new UserSettings(
        fields.has("enabled") ? Optional.of(fields.bool("enabled", true)) : Optional.empty(),
        fields.instant("expiresAt"),
        fields.object("home", Home::read),
        readMounts(fields),
        PathPermissions.read(fields, "permissions"),
        Listener.Protocol.list(fields, "protocols"),
        LoginMethod.list(fields, "authentication"),
        Network.list(fields, "allowFrom", MAX_NETWORKS),
        Network.list(fields, "denyFrom", MAX_NETWORKS),
        fields.object("limits", Limits::read).orElse(Limits.NONE));
  }

  private static List<Mount> readMounts(Fields fields) {
    List<Mount> mounts = fields.objects("folders", MAX_FOLDERS, Mount::read);
    Set<String> places = new HashSet<>();
    for (int i = 0; i < mounts.size(); i++) {
      if (!places.add(mounts.get(i).at())) {
        fields.error("folders/" + i + "/at", "is the place of another folder already");
      }
    }
    return mounts;
  }

  public boolean isActive(Instant now) {
    return enabled.orElse(true) && expiresAt.map(now::isBefore).orElse(true);
  }

  void describeFolders(ObjectNode json) {
    ArrayNode mounts = json.putArray("folders");
    for (Mount mount : folders) {
      ObjectNode entry = mounts.addObject().put("at", mount.at()).put("folder", mount.folder());
      mount.permissions().ifPresent(granted -> PathPermissions.words(granted).forEach(entry.putArray("permissions")::add));
    }
  }

  /** From where and how the user may come, and how much they may do. */
  void describeAdmission(ObjectNode json) {
    Listener.Protocol.describe(json, protocols);
    LoginMethod.describe(json, "authentication", authentication);
    describe(json, "allowFrom", allowFrom);
    describe(json, "denyFrom", denyFrom);
    limits.describe(json.putObject("limits"));
  }

  private static void describe(ObjectNode json, String field, Optional<List<Network>> networks) {
    networks.ifPresentOrElse(some -> some.forEach(network -> json.withArray(field).add(network.toString())),
        () -> json.putNull(field));
  }

  UserSettings disabled() {
    return new UserSettings(
        Optional.of(false), expiresAt, home, folders, permissions, protocols, authentication, allowFrom, denyFrom, limits);
  }

  /** Whether the user may come by a protocol. */
  public boolean admits(Listener.Protocol protocol) {
    return protocols.map(some -> some.contains(protocol)).orElse(true);
  }

  /** Whether the user may log in by a method alone. */
  public boolean admits(LoginMethod method) {
    return authentication.map(some -> some.contains(method)).orElse(method.isDefault());
  }

  /** Whether the user may come from an address. */
  public boolean admits(InetAddress address) {
    return allowFrom.map(networks -> Network.anyContains(networks, address)).orElse(true)
        && !denyFrom.map(networks -> Network.anyContains(networks, address)).orElse(false);
  }

  /**
   * These, and from others what these don't say: of the folders those at other places, of the permissions those for other
   * paths, where what these grant with a folder is said as well.
   */
  UserSettings orElse(UserSettings others) {
    List<Mount> mounts = new ArrayList<>(folders);
    others.folders.stream().filter(mount -> folders.stream().noneMatch(own -> own.at().equals(mount.at())))
        .forEach(mounts::add);
    return new UserSettings(enabled.or(others::enabled), expiresAt.or(others::expiresAt), home.or(others::home),
        List.copyOf(mounts), merged(others), protocols.or(others::protocols), authentication.or(others::authentication),
        allowFrom.or(others::allowFrom), denyFrom.or(others::denyFrom), limits.orElse(others.limits));
  }

  private Optional<PathPermissions> merged(UserSettings others) {
    if (others.permissions.isEmpty()) {
      return permissions;
    }
    SortedMap<String, Set<Permission>> rules = new TreeMap<>(others.permissions.get().rules());
    // The folder's own permissions stay with it; a rule of others for its place would otherwise go before them.
    folders.stream().filter(mount -> mount.permissions().isPresent()).forEach(mount -> rules.remove(mount.at()));
    permissions.ifPresent(own -> rules.putAll(own.rules()));
    return Optional.of(new PathPermissions(rules));
  }
}
