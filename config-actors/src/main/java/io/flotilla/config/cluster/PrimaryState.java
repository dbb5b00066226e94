package io.flotilla.config.cluster;

import io.flotilla.config.event.ChangeLookup;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Policy;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.persistence.JournalRetention;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.pcollections.TreePMap;

/**
 * What the journal makes of its events: the configuration, the newest changes as history, and the ids of those changes and of
 * the last day's. Immutable; history is bounded in number, by policy, and in bytes; the newest change always stays.
 */
record PrimaryState(ClusterConfig config, TreePMap<Long, ConfigChanged> history, long historyBytes, ChangeLookups lookups,
    JournalRetention.Applied applied) {
  private static final long MAX_HISTORY_BYTES = 16 << 20;

  static final PrimaryState EMPTY = new PrimaryState(
      ClusterConfig.EMPTY, TreePMap.empty(), 0, ChangeLookups.EMPTY, JournalRetention.Applied.NONE);

  static PrimaryState of(ConfigSnapshot snapshot, EntityCodec codec) {
    ClusterConfig config = ClusterConfig.of(snapshot.version(), snapshot.documents(), codec);
    if (!config.digest().toString().equals(snapshot.digest())) {
      throw new IllegalStateException(
          "the stored snapshot of configuration version " + snapshot.version() + " does not have its digest");
    }
    ChangeLookups lookups = ChangeLookups.EMPTY;
    for (ChangeLookup lookup : snapshot.lookups()) {
      lookups = lookups.plus(lookup, Long.MAX_VALUE);
    }
    PrimaryState state =
        new PrimaryState(config, TreePMap.empty(), 0, lookups, JournalRetention.Applied.NONE);
    for (ConfigChanged change : snapshot.history()) {
      state = state.remember(config, change, JournalRetention.Applied.NONE);
    }
    return state;
  }

  PrimaryState apply(ConfigChanged event, EntityCodec codec) {
    ClusterConfig next = config.apply(event, codec);
    if (!next.digest().toString().equals(event.digest())) {
      throw new IllegalStateException("the stored change " + event.version() + " does not lead to its digest");
    }
    return remember(next, event, applied.plus(event.size()));
  }

  private PrimaryState remember(ClusterConfig next, ConfigChanged event, JournalRetention.Applied nowApplied) {
    TreePMap<Long, ConfigChanged> changes = history.plus(event.version(), event);
    long bytes = historyBytes + event.size();
    int kept = Policy.History.of(next).changes();
    while (changes.size() > 1 && (changes.size() > kept || bytes > MAX_HISTORY_BYTES)) {
      ConfigChanged oldest = changes.firstEntry().getValue();
      changes = changes.minus(oldest.version());
      bytes -= oldest.size();
    }
    ChangeLookup lookup = new ChangeLookup(event.id(), event.version(), event.at().toEpochMilli());
    return new PrimaryState(next, changes, bytes, lookups.plus(lookup, changes.firstKey()), nowApplied);
  }

  /** The configuration at a version that history still leads back to, digest and entity versions included. */
  Optional<ClusterConfig> configAt(long version, EntityCodec codec) {
    Map.Entry<Long, ConfigChanged> following = history.higherEntry(version);
    boolean skipped = following != null && following.getValue().previous() != version;
    if (skipped || version < oldest() || version > config.version()) {
      return Optional.empty();
    }
    Map<EntityKey, EntityChange> first = new LinkedHashMap<>();
    for (ConfigChanged change : history.tailMap(version + 1).values()) {
      for (EntityChange entity : change.changes()) {
        first.putIfAbsent(new EntityKey(entity.kind(), entity.name()), entity);
      }
    }
    return Optional.of(config.before(version, first.values(), codec));
  }

  /** The oldest version that can be restored: that before the oldest change kept, but not the empty one. */
  long oldest() {
    return history.isEmpty() ? config.version() : Math.max(1, history.firstEntry().getValue().previous());
  }

  /** The version a change of this id was committed as, 0 if none is known. */
  long versionOf(String id) {
    return lookups.versionOf(id);
  }

  HistoryStatus historyStatus() {
    return new HistoryStatus(oldest(), history.size(), Policy.History.of(config).changes(), historyBytes, MAX_HISTORY_BYTES,
        lookups.size());
  }

  ConfigPrimary.ChangesReply changesSince(long epoch, ConfigPrimary.FetchChanges fetch) {
    if (fetch.sinceVersion() >= config.version()) {
      return new ConfigPrimary.Changes(epoch, List.of());
    }
    Map.Entry<Long, ConfigChanged> following = history.higherEntry(fetch.sinceVersion());
    if (following == null || following.getValue().previous() != fetch.sinceVersion()) {
      return new ConfigPrimary.SnapshotNeeded(epoch, config.version(), keptBefore(fetch.sinceVersion()));
    }
    List<ConfigPrimary.ChangePart> parts = new ArrayList<>();
    int budget = ConfigPrimary.MAX_MESSAGE_BYTES;
    int from = fetch.fromEntity();
    for (ConfigChanged change : history.tailMap(following.getKey()).values()) {
      if (!parts.isEmpty() && change.size() > budget) {
        break;
      }
      ConfigPrimary.ChangePart part = ConfigPrimary.part(change, from, budget);
      parts.add(part);
      budget -= part.change().size();
      from = 0;
      if (!part.last()) {
        break;
      }
    }
    return new ConfigPrimary.Changes(epoch, parts);
  }

  /** The newest version that is kept of the lineage in which a version was committed, if it was lost; otherwise 0. */
  private long keptBefore(long version) {
    return history.tailMap(version, false).values().stream().filter(change -> change.lineage() != null)
        .map(change -> change.lineage().known()).findFirst().filter(known -> known < version).orElse(0L);
  }

  ConfigPrimary.History history(long fromVersion, int limit) {
    List<ConfigChanged> found = new ArrayList<>();
    List<Integer> counts = new ArrayList<>();
    int budget = ConfigPrimary.MAX_MESSAGE_BYTES;
    for (ConfigChanged change : history.headMap(fromVersion, true).descendingMap().values()) {
      // A change that doesn't fit any more begins the next page; only one that is larger than a page is cut.
      if (found.size() >= limit || !found.isEmpty() && change.size() > budget) {
        break;
      }
      ConfigChanged some = ConfigPrimary.part(change, 0, budget).change();
      found.add(some);
      counts.add(change.changes().size());
      budget -= some.size();
    }
    return new ConfigPrimary.History(config.version(), oldest(), found, counts);
  }

  /**
   * With as much of the history, the newest of it, as its bound allows and the journal takes beside the configuration and the
   * lookups. A change that is over the bound by itself is left out: a voter would hold it once more in each snapshot.
   */
  ConfigSnapshot toSnapshot() {
    List<StoredDocument> documents = config.entities().values().stream().map(StoredEntity::toDocument).toList();
    long bytes = documents.stream().mapToLong(StoredDocument::size).sum() + lookups.bytes();
    long left = Math.min(MAX_HISTORY_BYTES, ConfigEditor.MAX_CHANGE_BYTES - bytes);
    LinkedList<ConfigChanged> kept = new LinkedList<>();
    for (ConfigChanged change : history.descendingMap().values()) {
      left -= change.size();
      if (left < 0) {
        break;
      }
      kept.addFirst(change);
    }
    return new ConfigSnapshot(config.version(), config.digest().toString(), documents, List.copyOf(kept),
        lookups.before(kept.isEmpty() ? Long.MAX_VALUE : kept.getFirst().version()));
  }
}
