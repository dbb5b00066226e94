package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** Someone, or some program, that may use the admin API with a bearer token. */
public record Admin(String name, Role role, Optional<Secret.TokenHash> tokenHash) implements Entity {
  /** A viewer reads; an operator also changes users; an admin changes everything. */
  public enum Role {
    VIEWER, OPERATOR, ADMIN;

    public String id() {
      return name().toLowerCase(java.util.Locale.ROOT);
    }

    static Role parse(String text) {
      return switch (text) {
        case "viewer" -> VIEWER;
        case "operator" -> OPERATOR;
        case "admin" -> ADMIN;
        default -> throw new IllegalArgumentException("must be 'admin', 'operator' or 'viewer'");
      };
    }
  }

  static Admin read(Fields fields) {
    if (!fields.has("role")) {
      fields.error("role", "is required");
    }
    return new Admin(
        fields.name(),
        fields.parsed("role", Role::parse).orElse(Role.VIEWER),
        fields.secret("tokenHash").map(Secret::tokenHash));
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("role", role.id());
    json.put("hasToken", tokenHash.isPresent());
  }

  /** Whether it may direct the cluster: move the primary, change voters. */
  public boolean mayOperate() {
    return role == Role.ADMIN;
  }

  /** Whether it may send clients away: drain nodes, have them leave or restart. */
  public boolean mayDrain() {
    return role == Role.ADMIN || role == Role.OPERATOR;
  }

  public boolean mayChange(String kind) {
    return role == Role.ADMIN || role == Role.OPERATOR && kind.equals(Kind.USERS.id());
  }
}
