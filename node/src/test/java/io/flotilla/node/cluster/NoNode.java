package io.flotilla.node.cluster;

import io.flotilla.http.admin.ClusterNodes;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** Whom nobody asks. */
final class NoNode implements LocalNode {
  @Override
  public ClusterNodes.State look() {
    throw new UnsupportedOperationException();
  }

  @Override
  public CompletionStage<ClusterNodes.Answer> begin(
      ClusterNodes.Purpose purpose, Optional<Duration> deadline, boolean keepVote, String by) {
    throw new UnsupportedOperationException();
  }

  @Override
  public CompletionStage<ClusterNodes.Answer> resume(String by) {
    throw new UnsupportedOperationException();
  }
}
