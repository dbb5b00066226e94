package io.flotilla.config.cluster;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * Why changes were refused lately, for whoever lost the answer. A refusal changes nothing, so it is not in the journal, and the
 * next primary does not know it. Bounded in number and time. Confined to its actor.
 */
final class RecentRefusals {
  static final int MAX = 10_000;
  private static final int MAX_LENGTH = 500;

  private record Refused(String reason, long atNanos) {}

  /** Oldest first. */
  private final Map<String, Refused> refusals = new LinkedHashMap<>();

  void add(String id, String reason, long now) {
    refusals.remove(id);
    refusals.put(id, new Refused(reason.substring(0, Math.min(reason.length(), MAX_LENGTH)), now));
    Iterator<Refused> oldest = refusals.values().iterator();
    while (refusals.size() > MAX || now - refusals.values().iterator().next().atNanos > ChangeLookups.KEPT.toNanos()) {
      oldest.next();
      oldest.remove();
    }
  }

  /** A change that is under way again is not refused any more. */
  void remove(String id) {
    refusals.remove(id);
  }

  Optional<String> find(String id, long now) {
    return Optional.ofNullable(refusals.get(id))
        .filter(refused -> now - refused.atNanos <= ChangeLookups.KEPT.toNanos()).map(Refused::reason);
  }
}
