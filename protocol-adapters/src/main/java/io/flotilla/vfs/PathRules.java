package io.flotilla.vfs;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/** The permissions of one user by canonical virtual paths; see {@link PathPermissions}. Immutable. */
final class PathRules {
  private final Map<VirtualPath, Set<Permission>> rules;

  private PathRules(Map<VirtualPath, Set<Permission>> rules) {
    this.rules = rules;
  }

  /** A path that this release can't read makes a rule that is not known, so it is refused. */
  static PathRules of(PathPermissions permissions) throws VfsException {
    Map<VirtualPath, Set<Permission>> rules = new HashMap<>();
    for (Map.Entry<String, Set<Permission>> rule : permissions.rules().entrySet()) {
      rules.put(VirtualPath.parse(rule.getKey()), rule.getValue());
    }
    return new PathRules(rules);
  }

  /** What holds at a path: the deepest rule on the way to it. */
  Set<Permission> at(VirtualPath path) {
    for (VirtualPath p = path; ; p = p.parent()) {
      Set<Permission> found = rules.get(p);
      if (found != null || p.isRoot()) {
        return found == null ? Set.of() : found;
      }
    }
  }

  /** Whether one rule holds everywhere. */
  boolean areUniform() {
    return rules.size() == 1;
  }

  boolean permitEverything() {
    return rules.values().stream().allMatch(Permission.all()::equals);
  }

  /** Whether there is a rule for a path beneath this one. */
  boolean differBeneath(VirtualPath path) {
    return rules.keySet().stream().anyMatch(rule -> rule.isWithin(path) && !rule.equals(path));
  }

  /** The same rules as seen from a directory that becomes the root. */
  PathRules beneath(VirtualPath directory) throws VfsException {
    Map<VirtualPath, Set<Permission>> moved = new HashMap<>();
    for (Map.Entry<VirtualPath, Set<Permission>> rule : rules.entrySet()) {
      if (rule.getKey().isWithin(directory)) {
        moved.put(rule.getKey().from(directory), rule.getValue());
      }
    }
    moved.put(VirtualPath.ROOT, at(directory));
    return new PathRules(moved);
  }
}
