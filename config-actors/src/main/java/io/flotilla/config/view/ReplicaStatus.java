package io.flotilla.config.view;

/**
 * What this node's replica last heard from the primary.
 *
 * @param epoch the writer's epoch, 0 if none was heard since this node started
 * @param headVersion the newest version announced
 * @param heardNanos when, by {@link System#nanoTime}
 */
public record ReplicaStatus(long epoch, long headVersion, long heardNanos, boolean catchingUp) {
  public static final ReplicaStatus SILENT = new ReplicaStatus(0, 0, System.nanoTime(), true);
}
