package io.flotilla.config.cluster;

import io.flotilla.config.event.CborSerializable;
import java.util.List;
import java.util.Map;

/** The cluster as the primary sees it. */
public record ClusterStatus(long version, String digest, long epoch, List<Member> members) implements CborSerializable {
  /**
   * One node.
   *
   * @param status the Pekko cluster's word: joining, up, leaving, ...
   * @param state converged, catching-up, degraded, isolated, draining or unreachable
   */
  public record Member(
      String name,
      String address,
      List<String> roles,
      String status,
      boolean isPrimary,
      String softwareVersion,
      long upSince,
      long version,
      String digest,
      String state,
      List<String> reasons,
      Map<String, Integer> connections) {}
}
