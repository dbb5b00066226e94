package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.Size;

class PathRulesProperties {
  @Property(tries = 200)
  void deepestRule_decides(@ForAll @Size(max = 6) Map<@Size(max = 4) List<Boolean>, Permission> ruled,
      @ForAll @Size(max = 6) List<Boolean> asked) throws VfsException {
    Map<String, Set<Permission>> rules = new HashMap<>();
    ruled.forEach((path, permission) -> rules.put(text(path), Set.of(permission)));
    rules.putIfAbsent("/", Set.of());
    Set<Permission> expected = Set.of();
    for (int depth = 0; depth <= asked.size(); depth++) {
      expected = rules.getOrDefault(text(asked.subList(0, depth)), expected);
    }
    assertEquals(expected, PathRules.of(new PathPermissions(new TreeMap<>(rules))).at(VirtualPath.parse(text(asked))));
  }

  /** A path of the names "a" and "ab", of which one begins with the other. */
  private static String text(List<Boolean> path) {
    return path.isEmpty() ? "/" : String.join("", path.stream().map(longer -> longer ? "/ab" : "/a").toList());
  }
}
