package io.flotilla.journal.raft;

import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.UUID;

/**
 * What the cluster knows about a node.
 *
 * @param nodeId permanent, from the node's data directory
 * @param name unique among nodes
 * @param remotingAddress where the node's actor system is reached
 * @param raftAddress host:port of its Raft server, if it is a voter
 * @param raftPeerId its identity in the Raft group, if it is a voter; a wiped or moved voter comes back under a new one
 * @param roles gateway, primary, voter
 */
public record NodeRecord(UUID nodeId, String name, String remotingAddress, Optional<String> raftAddress,
                         Optional<String> raftPeerId, List<String> roles) {
    public NodeRecord {
        Objects.requireNonNull(nodeId);
        Objects.requireNonNull(name);
        Objects.requireNonNull(remotingAddress);
        Objects.requireNonNull(raftAddress);
        Objects.requireNonNull(raftPeerId);
        roles = List.copyOf(roles);
    }
}
