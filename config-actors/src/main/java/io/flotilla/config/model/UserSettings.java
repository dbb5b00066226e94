package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * What a user may have of their own or from a group. What is empty is not said here, and {@link #orElse} takes it from
 * others.
 */
public record UserSettings(
    Optional<Boolean> enabled,
    Optional<Instant> expiresAt,
    Optional<Home> home,
    List<Mount> folders,
    Optional<PathPermissions> permissions,
    Limits limits) {
  static final int MAX_FOLDERS = 100;

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

  /** The most that the home may hold, in bytes and in files. */
  public record Limits(OptionalLong quotaBytes, OptionalLong quotaFiles) {
    static final Limits NONE = new Limits(OptionalLong.empty(), OptionalLong.empty());

    static Limits read(Fields fields) {
      return new Limits(fields.optionalLong("quotaBytes", 0), fields.optionalLong("quotaFiles", 0));
    }

    public boolean haveQuota() {
      return quotaBytes.isPresent() || quotaFiles.isPresent();
    }

    private Limits orElse(Limits others) {
      return new Limits(quotaBytes.isPresent() ? quotaBytes : others.quotaBytes,
          quotaFiles.isPresent() ? quotaFiles : others.quotaFiles);
    }

    private void describe(ObjectNode json) {
      quotaBytes.ifPresent(bytes -> json.put("quotaBytes", bytes));
      quotaFiles.ifPresent(files -> json.put("quotaFiles", files));
    }
  }

  static UserSettings read(Fields fields) {
    return new UserSettings(
        fields.has("enabled") ? Optional.of(fields.bool("enabled", true)) : Optional.empty(),
        fields.instant("expiresAt"),
        fields.object("home", Home::read),
        readMounts(fields),
        PathPermissions.read(fields, "permissions"),
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

  void describeLimits(ObjectNode json) {
    limits.describe(json.putObject("limits"));
  }

  /**
   * These, and from others what these don't say: of the folders those at other places, of the permissions those for other
   * paths, where what these grant with a folder is said as well.
   */
  UserSettings disabled() {
    return new UserSettings(Optional.of(false), expiresAt, home, folders, permissions, limits);
  }

  UserSettings orElse(UserSettings others) {
    List<Mount> mounts = new ArrayList<>(folders);
    others.folders.stream().filter(mount -> folders.stream().noneMatch(own -> own.at().equals(mount.at())))
        .forEach(mounts::add);
    return new UserSettings(enabled.or(others::enabled), expiresAt.or(others::expiresAt), home.or(others::home),
        List.copyOf(mounts), merged(others), limits.orElse(others.limits));
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
