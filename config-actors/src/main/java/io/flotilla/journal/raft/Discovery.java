package io.flotilla.journal.raft;

import java.util.List;
import java.util.UUID;

/** What was found at an address. */
public sealed interface Discovery {

    /** Nobody listens there, or nobody that speaks Raft. */
    record Nothing(String reason) implements Discovery {}

    /** Somebody listens there who can't be understood: perhaps a voter that is frozen or overloaded, or has other settings or another key. */
    record Silent(String reason) implements Discovery {}

    /**
     * A voter.
     *
     * @param clusterId its cluster
     * @param voter itself
     * @param admitted whether it is in the membership it knows
     * @param hasLeader whether it knows a leader, or is one
     * @param voters the membership it knows
     */
    record Voter(UUID clusterId, VoterPeer voter, boolean admitted, boolean hasLeader, List<VoterPeer> voters) implements Discovery {
        public Voter {
            voters = List.copyOf(voters);
        }

    }
}
