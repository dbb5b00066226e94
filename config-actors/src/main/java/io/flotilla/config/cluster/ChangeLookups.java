package io.flotilla.config.cluster;

import io.flotilla.config.event.ChangeLookup;
import java.time.Duration;
import java.util.List;
import org.pcollections.HashPMap;
import org.pcollections.HashTreePMap;
import org.pcollections.TreePMap;

/**
 * Which version a change of an id was committed as: for the changes that history holds, and for those of the last day beyond
 * it, so that a repeated request is recognized and its outcome can be looked up. Immutable. The day is counted between the
 * times of the changes themselves, so every primary forgets the same ones; number and bytes are bounded.
 */
record ChangeLookups(TreePMap<Long, ChangeLookup> byVersion, HashPMap<String, Long> versions, long bytes) {
  static final int MAX_BEYOND_HISTORY = 100_000;
  static final long MAX_BYTES = 8 << 20;
  static final Duration KEPT = Duration.ofDays(1);
  /** What a version and a time take in a snapshot beside the id. */
  private static final int FRAME = 32;

  static final ChangeLookups EMPTY = new ChangeLookups(TreePMap.empty(), HashTreePMap.empty(), 0);

  /** The version a change of this id was committed as, 0 if none is known. */
  long versionOf(String id) {
    return versions.getOrDefault(id, 0L);
  }

  int size() {
    return byVersion.size();
  }

  /** @param oldestInHistory the version of the oldest change in history: from there on nothing is forgotten */
  ChangeLookups plus(ChangeLookup added, long oldestInHistory) {
    TreePMap<Long, ChangeLookup> changes = byVersion.plus(added.version(), added);
    HashPMap<String, Long> known = versions.plus(added.id(), added.version());
    long left = bytes + size(added);
    while (changes.firstKey() < oldestInHistory && (changes.size() > MAX_BEYOND_HISTORY || left > MAX_BYTES
        || changes.firstEntry().getValue().at() < added.at() - KEPT.toMillis())) {
      ChangeLookup oldest = changes.firstEntry().getValue();
      changes = changes.minus(oldest.version());
      // An id that was used again after it had been forgotten names the newer change.
      known = known.get(oldest.id()) == oldest.version() ? known.minus(oldest.id()) : known;
      left -= size(oldest);
    }
    return new ChangeLookups(changes, known, left);
  }

  /** Those before a version, oldest first. */
  List<ChangeLookup> before(long version) {
    return List.copyOf(byVersion.headMap(version).values());
  }

  private static int size(ChangeLookup lookup) {
    return FRAME + lookup.id().length();
  }
}
