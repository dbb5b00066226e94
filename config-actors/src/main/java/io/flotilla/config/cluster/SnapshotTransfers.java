package io.flotilla.config.cluster;

import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.StoredEntity;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Holds the few versions that replicas are fetching in parts. A version is an immutable tree, so holding one costs what
 * has changed since; the one unused longest makes room. Confined to its actor.
 */
final class SnapshotTransfers {
  private static final int MAX_VERSIONS = 8;

  private final Map<Long, ClusterConfig> versions = new LinkedHashMap<>(16, 0.75f, true) {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<Long, ClusterConfig> eldest) {
      return size() > MAX_VERSIONS;
    }
  };

  ConfigPrimary.SnapshotReply part(long epoch, ClusterConfig head, ConfigPrimary.FetchSnapshot fetch) {
    ClusterConfig config = fetch.version() == 0 ? head : versions.get(fetch.version());
    if (config == null) {
      return new ConfigPrimary.SnapshotGone(fetch.version());
    }
    versions.put(config.version(), config);
    List<StoredDocument> documents = new ArrayList<>();
    int bytes = 0;
    EntityKey after = new EntityKey(fetch.afterKind(), fetch.afterName() + "\0");
    for (StoredEntity entity : config.entities().tailMap(after).values()) {
      StoredDocument document = entity.toDocument();
      if (!documents.isEmpty() && bytes + document.size() > ConfigPrimary.MAX_MESSAGE_BYTES) {
        return new ConfigPrimary.SnapshotPart(
            epoch, config.version(), config.digest().toString(), documents, false);
      }
      documents.add(document);
      bytes += document.size();
    }
    return new ConfigPrimary.SnapshotPart(epoch, config.version(), config.digest().toString(), documents, true);
  }
}
