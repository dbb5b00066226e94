package io.flotilla.http.admin;

import io.flotilla.config.model.ClusterKey;
import java.util.List;

/**
 * What this node can tell others that want to join its cluster.
 *
 * @param key of the cluster
 * @param addresses by which other nodes may reach this node's admin API
 * @param seedNodes remoting addresses to ask for the cluster
 */
public record Joining(ClusterKey key, List<String> addresses, List<String> seedNodes) {}
