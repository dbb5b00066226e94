package io.flotilla.node.cluster;

import io.flotilla.http.admin.ClusterNodes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** This node, as it is asked to let its clients go, whoever asks; see {@link ClusterNodes}. Methods return at once, to any thread. */
public interface LocalNode {
  ClusterNodes.State look();

  CompletionStage<ClusterNodes.Answer> begin(ClusterNodes.Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by);

  CompletionStage<ClusterNodes.Answer> resume(String by);
}
