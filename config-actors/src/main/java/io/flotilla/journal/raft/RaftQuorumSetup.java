package io.flotilla.journal.raft;

import java.util.Objects;
import org.apache.pekko.actor.setup.Setup;

/** Gives an actor system the Raft group that its journal is to use. The quorum isn't closed with the system. */
public final class RaftQuorumSetup extends Setup {
    private final RaftQuorum quorum;

    public RaftQuorumSetup(RaftQuorum quorum) {
        this.quorum = Objects.requireNonNull(quorum);
    }

    public RaftQuorum quorum() {
        return quorum;
    }
}
