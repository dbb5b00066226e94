package io.flotilla.node.cluster;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flotilla.journal.raft.Bytes;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What a node says about the Pekko cluster: a voter when it is asked on its Raft port, any node in the database where the
 * journal is there.
 *
 * @param generation of the cluster it is up in, 0 if it is in none
 * @param keyId of its cluster key
 * @param members it sees there
 */
record NodeAnswer(long generation, String node, String keyId, List<Seen> members) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  /** A member and whether it answers. */
  record Seen(String name, String address, boolean reachable) {}

  static NodeAnswer none(String node, String keyId) {
    return new NodeAnswer(0, node, keyId, List.of());
  }

  /** The same, with one more member that is seen. */
  NodeAnswer seeing(Seen member) {
    return new NodeAnswer(generation, node, keyId, Stream.concat(members.stream(), Stream.of(member)).toList());
  }

  Bytes toBytes() {
    return Bytes.copyOf(toText().getBytes(StandardCharsets.UTF_8));
  }

  String toText() {
    try {
      return JSON.writeValueAsString(this);
    } catch (IOException e) {
      throw new IllegalStateException("a record of texts can always be written", e);
    }
  }

  static Optional<NodeAnswer> of(Bytes bytes) {
    return of(new String(bytes.toArray(), StandardCharsets.UTF_8));
  }

  static Optional<NodeAnswer> of(String text) {
    try {
      return text.isEmpty() ? Optional.empty() : Optional.of(JSON.readValue(text, NodeAnswer.class));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
