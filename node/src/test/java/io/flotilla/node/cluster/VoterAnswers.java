package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Bytes;
import java.util.List;
import java.util.Optional;

/** What a voter says about the Pekko cluster, as bytes. */
public final class VoterAnswers {
  private static final VoterAnswer ANSWER = new VoterAnswer(3, "node-2", "0011223344556677",
      List.of(new VoterAnswer.Seen("node-1", "127.0.0.1:20001", true), new VoterAnswer.Seen("node-3", "127.0.0.3:20001", false)));

  private VoterAnswers() {}

  public static byte[] example() {
    return ANSWER.toBytes().toArray();
  }

  public static boolean isExample(byte[] bytes) {
    return VoterAnswer.of(Bytes.copyOf(bytes)).equals(Optional.of(ANSWER));
  }
}
