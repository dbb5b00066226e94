package io.flotilla.config.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.config.event.CborSerializable;
import java.util.List;
import java.util.Map;

/**
 * The cluster as the primary sees it.
 *
 * @param history what the primary keeps; null from a node that is not the primary, or one of a release that does not tell it
 */
public record ClusterStatus(long version, String digest, long epoch, List<Member> members,
    @JsonInclude(JsonInclude.Include.NON_NULL) HistoryStatus history) implements CborSerializable {
  public ClusterStatus(long version, String digest, long epoch, List<Member> members) {
    this(version, digest, epoch, members, null);
  }

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
