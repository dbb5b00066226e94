package io.flotilla.journal.raft;

import java.util.Objects;

/**
 * A member of the Raft group.
 *
 * @param id its peer id; never used for two different logs
 * @param address host:port of its Raft server
 */
public record VoterPeer(String id, String address) {
    public VoterPeer {
        Objects.requireNonNull(id);
        Objects.requireNonNull(address);
    }

    @Override
    public String toString() {
        return address + " (" + id + ")";
    }
}
