package io.flotilla.node.cluster;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonProperty;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.http.sessions.SessionRecord;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Objects;
import java.util.TreeMap;
import org.apache.pekko.cluster.ddata.AbstractReplicatedData;

/**
 * Some of the cluster's HTTP sessions, as Distributed Data holds them: all whose ids have one hash, since all together would not fit into a
 * message. Two of them merge record by record, but for those that nobody needs any more. Immutable.
 */
public final class SessionBucket extends AbstractReplicatedData<SessionBucket> implements CborSerializable {
  static final SessionBucket EMPTY = new SessionBucket(List.of());

  private final TreeMap<String, SessionRecord> records = new TreeMap<>();

  @JsonCreator
  SessionBucket(@JsonProperty("records") Collection<SessionRecord> records) {
    records.forEach(record -> this.records.merge(record.id(), record, SessionRecord::merge));
  }

  /** In the order of their ids, so that equal buckets have equal bytes. */
  @JsonProperty("records")
  Collection<SessionRecord> records() {
    return List.copyOf(records.values());
  }

  SessionBucket with(Collection<SessionRecord> more) {
    List<SessionRecord> all = new ArrayList<>(records.values());
    all.addAll(more);
    // Here, and so in every merge, or what one node has dropped would come back from another.
    long now = System.currentTimeMillis();
    all.removeIf(record -> now >= record.expires());
    return new SessionBucket(all);
  }

  @Override
  public SessionBucket mergeData(SessionBucket other) {
    return with(other.records.values());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof SessionBucket bucket && records.equals(bucket.records);
  }

  @Override
  public int hashCode() {
    return Objects.hash(records);
  }

  @Override
  public String toString() {
    return records.size() + " sessions";
  }
}
