package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.Base64;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Someone who may log in. Without a password hash and without public keys nobody can. */
public record User(
    String name,
    boolean enabled,
    Optional<Instant> expiresAt,
    Optional<Secret.PasswordHash> passwordHash,
    List<String> publicKeys,
    Home home,
    List<Mount> folders,
    PathPermissions permissions)
    implements Entity {
  static final int MAX_PUBLIC_KEYS = 64;
  static final int MAX_PUBLIC_KEY_LENGTH = 8192;
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
   * @param permissions what holds from there downwards, unless the user's own permissions say something for the same path;
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

  static User read(Fields fields) {
    return new User(
        fields.name(),
        fields.bool("enabled", true),
        fields.instant("expiresAt"),
        fields.secret("passwordHash").map(Secret::passwordHash),
        fields.texts("publicKeys", MAX_PUBLIC_KEYS, User::problemWithPublicKey),
        fields.object("home", Home::read).orElse(Home.DEFAULT),
        readMounts(fields),
        PathPermissions.read(fields, "permissions"));
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

  @Override
  public void describe(ObjectNode json) {
    json.put("enabled", enabled);
    json.put("expiresAt", expiresAt.map(Instant::toString).orElse(null));
    json.put("hasPassword", passwordHash.isPresent());
    publicKeys.forEach(json.putArray("publicKeys")::add);
    json.putObject("home").put("storage", home.storage()).put("path", home.path());
    ArrayNode mounts = json.putArray("folders");
    for (Mount mount : folders) {
      ObjectNode entry = mounts.addObject().put("at", mount.at()).put("folder", mount.folder());
      mount.permissions().ifPresent(granted -> PathPermissions.words(granted).forEach(entry.putArray("permissions")::add));
    }
    permissions.describe(json.putObject("permissions"));
  }

  public boolean isActive(Instant now) {
    return enabled && expiresAt.map(now::isBefore).orElse(true);
  }

  /** The home's path within its storage, with the user's name in it. */
  public String homePath() {
    return home.path().replace("${user}", name);
  }

  private static Optional<String> problemWithPublicKey(String line) {
    String[] words = line.strip().split("\\s+", 3);
    if (line.length() > MAX_PUBLIC_KEY_LENGTH) {
      return Optional.of("has over " + MAX_PUBLIC_KEY_LENGTH + " characters");
    }
    if (words.length < 2 || line.chars().anyMatch(c -> c < ' ')) {
      return Optional.of("must be a line such as 'ssh-ed25519 AAAA... comment'");
    }
    try {
      byte[] blob = Base64.getDecoder().decode(words[1]);
      byte[] type = words[0].getBytes(java.nio.charset.StandardCharsets.UTF_8);
      boolean sameType = blob.length > type.length + 4
          && java.util.Arrays.equals(blob, 4, 4 + type.length, type, 0, type.length);
      return sameType ? Optional.empty() : Optional.of("the key is not of the type " + words[0] + " that it names");
    } catch (IllegalArgumentException e) {
      return Optional.of("the key is not base64 text");
    }
  }
}
