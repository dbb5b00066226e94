package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.Collection;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Which permissions hold from which virtual path downwards; the deepest path that matches decides, and paths are compared
 * by whole names. There is always a rule for the root. Immutable.
 */
public record PathPermissions(SortedMap<String, Set<Permission>> rules) {
  public static final PathPermissions EVERYTHING = new PathPermissions(new TreeMap<>(Map.of("/", Permission.all())));
  static final int MAX_RULES = 256;
  private static final int MAX_NAME_BYTES = 255;

  public PathPermissions {
    if (!rules.containsKey("/")) {
      throw new IllegalArgumentException("there is no rule for the root");
    }
    rules = Collections.unmodifiableSortedMap(new TreeMap<>(rules));
  }

  /** Reads an object of lists, if there is any. What can't be read permits nothing. */
  static Optional<PathPermissions> read(Fields fields, String field) {
    if (!fields.has(field)) {
      return Optional.empty();
    }
    Map<String, List<String>> lists = fields.lists(field, MAX_RULES, Permission.values().length + 1,
        PathPermissions::problemWithVirtualPath, Permission::problemWith);
    if (!lists.containsKey("/")) {
      fields.error(field, "must have a rule for '/', which holds where no other does");
    }
    SortedMap<String, Set<Permission>> rules = new TreeMap<>(Map.of("/", Set.of()));
    lists.forEach((path, words) -> rules.put(path, permissions(words)));
    return Optional.of(new PathPermissions(rules));
  }

  /** The permissions that words stand for; a word of a newer release permits nothing here. */
  static Set<Permission> permissions(Collection<String> words) {
    if (words.contains(Permission.EVERY)) {
      return Permission.all();
    }
    Set<Permission> permissions = EnumSet.noneOf(Permission.class);
    words.forEach(word -> Permission.of(word).ifPresent(permissions::add));
    return permissions;
  }

  /** The words for permissions, in one order. */
  static List<String> words(Set<Permission> permissions) {
    return permissions.size() == Permission.values().length ? List.of(Permission.EVERY)
        : Arrays.stream(Permission.values()).filter(permissions::contains).map(Permission::id).toList();
  }

  /** These rules, and others where these have none for the same path. */
  public PathPermissions withDefaults(Map<String, Set<Permission>> others) {
    SortedMap<String, Set<Permission>> merged = new TreeMap<>(others);
    merged.putAll(rules);
    return new PathPermissions(merged);
  }

  /** The same without the rules that say what holds at their path anyway. */
  public PathPermissions withoutRedundant() {
    SortedMap<String, Set<Permission>> needed = new TreeMap<>();
    rules.forEach((path, permissions) -> { // in this order a path comes after those above it
      if (path.equals("/") || !permissions.equals(above(path, needed))) {
        needed.put(path, permissions);
      }
    });
    return new PathPermissions(needed);
  }

  private static Set<Permission> above(String path, Map<String, Set<Permission>> rules) {
    String parent = path.substring(0, path.lastIndexOf('/'));
    return parent.isEmpty() ? rules.get("/") : rules.containsKey(parent) ? rules.get(parent) : above(parent, rules);
  }

  void describe(ObjectNode json) {
    rules.forEach((path, permissions) -> words(permissions).forEach(json.putArray(path)::add));
  }

  /** Says why a text is not the one spelling of a virtual path, or nothing. */
  static Optional<String> problemWithVirtualPath(String path) {
    return Storage.problemWithPath(path).or(() -> {
      List<String> names = Arrays.asList(path.substring(1).split("/", -1));
      if (!path.equals("/") && names.stream().anyMatch(name -> name.isEmpty() || name.equals("."))) {
        return Optional.of("must be written without empty names and '.', such as /in/box");
      }
      return names.stream().anyMatch(name -> name.getBytes(StandardCharsets.UTF_8).length > MAX_NAME_BYTES)
          ? Optional.of("has a name of over " + MAX_NAME_BYTES + " bytes") : Optional.empty();
    });
  }

  @Override
  public String toString() {
    return rules.entrySet().stream().map(rule -> rule.getKey() + "=" + words(rule.getValue())).collect(Collectors.joining(", "));
  }
}
