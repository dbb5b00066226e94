package io.flotilla.http.admin;

import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.http.sessions.HttpSessions;
import java.util.Optional;
import java.util.UUID;
import java.util.function.Supplier;

/**
 * What the admin API works with.
 *
 * @param localStatus the cluster as this node sees it, for when the primary cannot be asked
 * @param control what the cluster can be asked to do
 * @param connections the client connections of all nodes
 * @param nodes each node, as it is asked to let its clients go
 * @param sessions the HTTP sessions of the cluster
 * @param voters who keeps the journal
 * @param journal what keeps the configuration
 * @param metrics the node's metrics in Prometheus' text format
 * @param clusterId of the cluster this node belongs to, once it does
 * @param joining what nodes are told that join the cluster
 * @param maxBodyBytes the largest request body
 * @param maxImportBytes the largest configuration document to import
 */
public record AdminContext(
    LiveConfig live,
    ConfigClient client,
    ClaimClient claims,
    EntityCodec codec,
    EntityInput input,
    EventFeed events,
    NodeHealth health,
    Supplier<ClusterStatus> localStatus,
    ClusterControl control,
    ClusterConnections connections,
    ClusterNodes nodes,
    HttpSessions sessions,
    Supplier<Voters> voters,
    Supplier<Journal> journal,
    Supplier<String> metrics,
    Supplier<Optional<UUID>> clusterId,
    Joining joining,
    long maxBodyBytes,
    long maxImportBytes) {

  String node() {
    return live.view().node().name();
  }
}
