package io.flotilla.journal.raft;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/** Which node has which name. One node id has one record; one name has one node id. */
final class NodeRegistry {
    private final Map<UUID, NodeRecord> nodes = new TreeMap<>();

    JournalReply register(NodeRecord node, Optional<UUID> expectedHolder) {
        Optional<NodeRecord> holder = nodes.values().stream()
                .filter(other -> other.name().equals(node.name()) && !other.nodeId().equals(node.nodeId()))
                .findFirst();
        if (holder.isPresent()) {
            if (!holder.map(NodeRecord::nodeId).equals(expectedHolder)) {
                return new JournalReply.NameTaken(holder.get());
            }
            nodes.remove(holder.get().nodeId());
        }
        // Two nodes can't be at one address; what is left there is a node that was wiped or removed.
        nodes.values().removeIf(other -> other.remotingAddress().equals(node.remotingAddress())
                || node.raftAddress().isPresent() && other.raftAddress().equals(node.raftAddress()));
        nodes.put(node.nodeId(), node);
        return new JournalReply.NodeRegistered(node);
    }

    List<NodeRecord> list() {
        return List.copyOf(nodes.values());
    }

    void writeTo(WireWriter out) throws IOException {
        out.list(list(), out::node);
    }

    void readFrom(WireReader in) throws IOException {
        in.list(in::node).forEach(node -> nodes.put(node.nodeId(), node));
    }
}
