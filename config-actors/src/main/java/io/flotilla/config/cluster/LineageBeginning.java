package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import java.time.Instant;
import java.util.Map;

/**
 * The change with which a recovered cluster goes on: it skips the versions that lost changes may have had. Nothing is announced
 * and no change is taken before, so no version of the new lineage is one of the former.
 *
 * @param firstVersion of the lineage, 0 in a cluster that was never recovered
 * @param wanted what the lineage begins with
 */
record LineageBeginning(long firstVersion, ClusterConfig wanted) {

  /** @param known the newest configuration that the primary's node has applied */
  static LineageBeginning of(long firstVersion, ClusterConfig journaled, ClusterConfig known) {
    // What a node has applied was committed; of the same version, the end of a recovered journal perhaps was not.
    return new LineageBeginning(firstVersion, known.version() >= journaled.version() ? known : journaled);
  }

  /** Whether there is nothing to begin with: neither in the journal nor on the node. */
  boolean isEmpty() {
    return wanted.entities().isEmpty();
  }

  ConfigChanged event(ClusterConfig journaled, EntityCodec codec, Instant time, String node) {
    ConfigChanged draft = new ConfigChanged(firstVersion, "lineage-" + firstVersion, time, new Author("system", "local", node),
        "The cluster was recovered alone. Its configuration is that of version " + wanted.version()
            + "; what was committed after that is lost", ConfigEditor.differences(journaled, wanted), "",
        new ConfigChanged.LineageBegun(journaled.version(), wanted.version()), Map.of());
    return draft.withDigest(journaled.apply(draft, codec).digest().toString());
  }
}
