package io.flotilla.node.cluster;

import io.flotilla.journal.raft.Bytes;
import java.util.List;
import java.util.Optional;

/** What a voter says about the Pekko cluster, as bytes. */
public final class NodeAnswers {
  private static final NodeAnswer ANSWER = new NodeAnswer(3, "node-2", "0011223344556677",
      List.of(new NodeAnswer.Seen("node-1", "127.0.0.1:20001", true), new NodeAnswer.Seen("node-3", "127.0.0.3:20001", false)));

  private NodeAnswers() {}

  public static byte[] example() {
    return ANSWER.toBytes().toArray();
  }

  public static boolean isExample(byte[] bytes) {
    return NodeAnswer.of(Bytes.copyOf(bytes)).equals(Optional.of(ANSWER));
  }
}
