package io.flotilla.journal.raft;

import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * Which node has which name, and which nodes are wished to vote. One node id has one record; one name has one node id. A wish is
 * about a name, so it also holds for whoever takes a dead node's name; a node that changes its name takes its wish along.
 */
final class NodeRegistry {
    private final Map<UUID, NodeRecord> nodes = new TreeMap<>();
    private final Map<String, VoterWish> wishes = new TreeMap<>();

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
        NodeRecord before = nodes.remove(node.nodeId());
        // Two nodes can't be at one address; what is left there is a node that was wiped or removed.
        nodes.values().removeIf(other -> other.remotingAddress().equals(node.remotingAddress())
                || node.raftAddress().isPresent() && other.raftAddress().equals(node.raftAddress()));
        nodes.put(node.nodeId(), node);
        if (before != null && !before.name().equals(node.name())) {
            VoterWish wish = wishes.remove(before.name());
            if (wish != null) {
                wishes.put(node.name(), new VoterWish(node.name(), wish.votes(), wish.after()));
            }
        }
        return new JournalReply.NodeRegistered(node);
    }

    List<NodeRecord> list() {
        return List.copyOf(nodes.values());
    }

    JournalReply wish(List<VoterWish> wished) {
        for (VoterWish wish : wished) {
            if (nodes.values().stream().noneMatch(node -> node.name().equals(wish.node()))) {
                return new JournalReply.Refused("there is no node named " + wish.node());
            }
        }
        wished.forEach(wish -> wishes.put(wish.node(), wish));
        return new JournalReply.Done();
    }

    List<VoterWish> wishes() {
        return List.copyOf(wishes.values());
    }

    /** A removed vote stays removed: the node may come back. */
    JournalReply forget(UUID nodeId) {
        NodeRecord forgotten = nodes.remove(nodeId);
        if (forgotten != null) {
            wishes.computeIfPresent(forgotten.name(), (name, wish) -> wish.votes() ? null : wish);
        }
        return new JournalReply.Done();
    }

    void writeTo(WireWriter out) throws IOException {
        out.list(list(), out::node);
    }

    void readFrom(WireReader in) throws IOException {
        in.list(in::node).forEach(node -> nodes.put(node.nodeId(), node));
    }

    void writeWishesTo(WireWriter out) throws IOException {
        out.list(wishes(), out::wish);
    }

    void readWishesFrom(WireReader in) throws IOException {
        in.list(in::wish).forEach(wish -> wishes.put(wish.node(), wish));
    }
}
