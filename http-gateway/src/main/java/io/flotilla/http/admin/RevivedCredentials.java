package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Entity;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Group;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.model.User;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeSet;

/**
 * What would let somebody in again if an earlier version were restored: passwords, keys and tokens that were changed or taken
 * away since, and accounts that were deleted, disabled or given less. Whoever rolls back has to know, because they may have
 * been taken away for a reason.
 */
final class RevivedCredentials {
  private static final int MAX_LISTED = 1_000;

  private RevivedCredentials() {}

  /** Adds {@code revives}, in order of the entities, and {@code revivesCount}, of all. */
  static void describe(ClusterConfig present, ClusterConfig past, Instant now, ObjectNode json) {
    ArrayNode list = json.putArray("revives");
    int count = 0;
    for (EntityKey key : new TreeSet<>(ConfigDelta.between(present, past).changed())) {
      Optional<Entity> before = past.stored(key).map(StoredEntity::entity);
      Optional<Entity> today = present.stored(key).map(StoredEntity::entity);
      List<String> what = before.map(entity -> switch (entity) {
        case User user -> ofUser(user.in(past), today.map(found -> ((User) found).in(present)), now);
        case Group group -> ofGroup(group, today.map(Group.class::cast), now);
        case Admin admin -> ofAdmin(admin, today.map(Admin.class::cast));
        default -> List.<String>of();
      }).orElse(List.of());
      if (!what.isEmpty()) {
        count++;
        if (list.size() < MAX_LISTED) {
          what.forEach(list.addObject().put("kind", key.kind()).put("name", key.name()).putArray("what")::add);
        }
      }
    }
    json.put("revivesCount", count);
  }

  private static List<String> ofUser(User past, Optional<User> today, Instant now) {
    List<String> what = new ArrayList<>();
    if (!past.isActive(now) || past.passwordHash().isEmpty() && past.publicKeys().isEmpty()) {
      return what;
    }
    if (today.isEmpty()) {
      what.add("the deleted user");
    } else if (!today.get().isActive(now)) {
      what.add("the disabled or expired user");
    }
    if (past.passwordHash().isPresent() && !past.passwordHash().equals(today.flatMap(User::passwordHash))) {
      what.add("an old password");
    }
    long keys = past.publicKeys().stream().filter(line -> today.stream().noneMatch(user -> user.publicKeys().contains(line)))
        .count();
    if (keys > 0) {
      what.add(keys == 1 ? "a public key" : keys + " public keys");
    }
    return what;
  }

  /** Its members are let in again; who they are, and whether they have a word of their own, is not looked up. */
  private static List<String> ofGroup(Group past, Optional<Group> today, Instant now) {
    return past.settings().isActive(now) && today.filter(group -> !group.settings().isActive(now)).isPresent()
        ? List.of("the members of the disabled or expired group") : List.of();
  }

  private static List<String> ofAdmin(Admin past, Optional<Admin> today) {
    List<String> what = new ArrayList<>();
    if (past.tokenHash().isEmpty()) {
      return what;
    }
    if (today.isEmpty()) {
      what.add("the deleted admin");
    } else if (past.role().compareTo(today.get().role()) > 0) {
      what.add("the role " + past.role().id());
    }
    if (!past.tokenHash().equals(today.flatMap(Admin::tokenHash))) {
      what.add("an old token");
    }
    return what;
  }
}
