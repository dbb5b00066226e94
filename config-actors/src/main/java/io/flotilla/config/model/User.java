package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * Someone who may log in. Without a password hash and without public keys nobody can.
 *
 * @param groups by whose settings this user's are completed, the first before the others
 * @param settings the user's own, or completed by {@link #in}
 */
public record User(
    String name,
    Optional<Secret.PasswordHash> passwordHash,
    List<String> publicKeys,
    List<String> groups,
    UserSettings settings)
    implements Entity {
  static final int MAX_PUBLIC_KEYS = 64;
  static final int MAX_GROUPS = 32;

  static User read(Fields fields) {
    return new User(
        fields.name(),
        fields.secret("passwordHash").map(Secret::passwordHash),
        fields.texts("publicKeys", MAX_PUBLIC_KEYS, PublicKeyLine::problemWith),
        fields.texts("groups", MAX_GROUPS, EntityKey::problemWithName),
        UserSettings.read(fields));
  }

  /** Of a member what is null comes from its groups. */
  @Override
  public void describe(ObjectNode json) {
    boolean alone = groups.isEmpty();
    json.put("enabled", settings.enabled().orElse(alone ? true : null));
    json.put("expiresAt", settings.expiresAt().map(Instant::toString).orElse(null));
    json.put("hasPassword", passwordHash.isPresent());
    publicKeys.forEach(json.putArray("publicKeys")::add);
    groups.forEach(json.putArray("groups")::add);
    settings.home().or(() -> alone ? Optional.of(home()) : Optional.empty()).ifPresentOrElse(
        home -> json.putObject("home").put("storage", home.storage()).put("path", home.path()), () -> json.putNull("home"));
    settings.describeFolders(json);
    settings.permissions().or(() -> alone ? Optional.of(permissions()) : Optional.empty()).ifPresentOrElse(
        permissions -> permissions.describe(json.putObject("permissions")), () -> json.putNull("permissions"));
    settings.describeAdmission(json);
  }

  /**
   * This user with what the groups give, as it is to be served: what the user says goes before what a group says, and an earlier
   * group before a later one.
   */
  public User in(ClusterConfig config) {
    if (groups.isEmpty()) {
      return this;
    }
    UserSettings all = settings;
    for (String name : groups) {
      // What a group would forbid nobody knows without it; the rules let none go that has members.
      all = config.find(Kind.GROUPS, name, Group.class).map(Group::settings).map(all::orElse).orElse(all.disabled());
    }
    return new User(name, passwordHash, publicKeys, groups, all);
  }

  public boolean enabled() {
    return settings.enabled().orElse(true);
  }

  public Optional<Instant> expiresAt() {
    return settings.expiresAt();
  }

  public UserSettings.Home home() {
    return settings.home().orElse(UserSettings.Home.DEFAULT);
  }

  public List<UserSettings.Mount> folders() {
    return settings.folders();
  }

  public PathPermissions permissions() {
    return settings.permissions().orElse(PathPermissions.EVERYTHING);
  }

  public boolean isActive(Instant now) {
    return settings.isActive(now);
  }
}
