package io.flotilla.http.admin;

import java.util.Optional;
import java.util.concurrent.CompletionStage;

/** What the admin API can have the cluster do, apart from changing its configuration. Methods return at once. */
public interface ClusterControl {
  /**
   * Has a node become the primary. Completes when the present primary has begun to hand over, or with the reason why it
   * does not.
   */
  CompletionStage<Optional<String>> designatePrimary(String node);
}
