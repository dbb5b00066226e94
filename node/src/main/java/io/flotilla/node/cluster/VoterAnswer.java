package io.flotilla.node.cluster;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.flotilla.journal.raft.Bytes;
import java.io.IOException;
import java.util.List;
import java.util.Optional;

/**
 * What a voter says about the Pekko cluster when it is asked on its Raft port.
 *
 * @param generation of the cluster it is up in, 0 if it is in none
 * @param keyId of its cluster key
 * @param members it sees there
 */
record VoterAnswer(long generation, String node, String keyId, List<Seen> members) {
  private static final ObjectMapper JSON =
      JsonMapper.builder().disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();

  /** A member and whether it answers. */
  record Seen(String name, String address, boolean reachable) {}

  static VoterAnswer none(String node, String keyId) {
    return new VoterAnswer(0, node, keyId, List.of());
  }

  Bytes toBytes() {
    try {
      return Bytes.copyOf(JSON.writeValueAsBytes(this));
    } catch (IOException e) {
      throw new IllegalStateException("a record of texts can always be written", e);
    }
  }

  static Optional<VoterAnswer> of(Bytes bytes) {
    try {
      return bytes.size() == 0 ? Optional.empty() : Optional.of(JSON.readValue(bytes.toArray(), VoterAnswer.class));
    } catch (IOException e) {
      return Optional.empty();
    }
  }
}
