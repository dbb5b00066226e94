package io.flotilla.node.cluster;

import io.flotilla.config.cluster.ConfigEvents;

/** Is told what happens to the cluster's membership, besides its configuration. Calls must not block. */
public interface ClusterEvents extends ConfigEvents {
  void memberUp(String node, String address);

  void memberDown(String node, String address, String why);

  void memberUnreachable(String node, String address);

  void memberReachable(String node, String address);

  void primaryMoved(String node);

  void controlPlaneEnded(String why);
}
