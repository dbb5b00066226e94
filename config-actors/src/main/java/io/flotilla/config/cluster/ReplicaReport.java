package io.flotilla.config.cluster;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.config.event.CborSerializable;
import java.util.List;
import java.util.Map;

/**
 * What a replica tells the primary about its node.
 *
 * @param address the node's remoting address, which names the member
 * @param upSince milliseconds since 1970
 * @param connections live client connections by protocol
 * @param drain how far the node is with being drained, in words; null while it is not, or from a release that does not tell it
 */
public record ReplicaReport(
    String node,
    String address,
    long version,
    String digest,
    boolean catchingUp,
    List<String> problems,
    boolean draining,
    String softwareVersion,
    long upSince,
    Map<String, Integer> connections,
    @JsonInclude(JsonInclude.Include.NON_NULL) String drain)
    implements ConfigPrimary.Command, CborSerializable {
  public ReplicaReport(String node, String address, long version, String digest, boolean catchingUp, List<String> problems,
      boolean draining, String softwareVersion, long upSince, Map<String, Integer> connections) {
    this(node, address, version, digest, catchingUp, problems, draining, softwareVersion, upSince, connections, null);
  }
}
