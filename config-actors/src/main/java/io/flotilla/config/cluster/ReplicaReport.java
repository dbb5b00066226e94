package io.flotilla.config.cluster;

import io.flotilla.config.event.CborSerializable;
import java.util.List;
import java.util.Map;

/**
 * What a replica tells the primary about its node.
 *
 * @param address the node's remoting address, which names the member
 * @param upSince milliseconds since 1970
 * @param connections live client connections by protocol
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
    Map<String, Integer> connections)
    implements ConfigPrimary.Command, CborSerializable {}
