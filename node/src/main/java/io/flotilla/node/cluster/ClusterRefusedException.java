package io.flotilla.node.cluster;

/** This node may not be in the cluster as it is set up; trying again would not help. */
public final class ClusterRefusedException extends Exception {
  private static final long serialVersionUID = 1L;

  public ClusterRefusedException(String message) {
    super(message);
  }
}
