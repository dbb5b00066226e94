package io.flotilla.journal.raft;

import java.util.Objects;
import java.util.UUID;

/**
 * Which Pekko cluster is the valid one. A node that finds itself in an older generation leaves it and joins the newer.
 *
 * @param number 1 for the first cluster, one more for each that was founded later
 * @param founderNodeId the node that was entitled to join itself
 * @param founderAddress its remoting address
 */
public record Generation(long number, UUID founderNodeId, String founderAddress) {
    public Generation {
        Objects.requireNonNull(founderNodeId);
        Objects.requireNonNull(founderAddress);
    }
}
