package io.flotilla.journal.raft;

import java.util.Objects;
import java.util.Optional;

/**
 * What an administrator wants for good about a node's vote. The leader changes the membership until it is so.
 *
 * @param node its name
 * @param votes whether it is to vote; if not, it isn't admitted by itself again either
 * @param after a node that must have a vote first, because it takes this one's place
 */
public record VoterWish(String node, boolean votes, Optional<String> after) {
    public VoterWish {
        Objects.requireNonNull(node);
        Objects.requireNonNull(after);
    }
}
