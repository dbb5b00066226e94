package io.flotilla.journal.raft;

import java.time.Duration;
import java.util.Optional;

/**
 * The patience of a {@link RaftQuorum}, and how it speaks to the voters.
 *
 * @param deadline after which a command, one part of a long command, or a query fails
 * @param callTimeout after which one voter's silence makes it ask another
 * @param maxOutstanding commands and queries at the same time; more fail at once
 * @param tls how its connections are secured; none leaves them in clear
 */
public record QuorumSettings(Duration deadline, Duration callTimeout, int maxOutstanding, Optional<RaftTls> tls) {
    public static final QuorumSettings DEFAULTS = new QuorumSettings(Duration.ofSeconds(5), Duration.ofSeconds(2), 1024);

    public QuorumSettings(Duration deadline, Duration callTimeout, int maxOutstanding) {
        this(deadline, callTimeout, maxOutstanding, Optional.empty());
    }

    public QuorumSettings withTls(Optional<RaftTls> other) {
        return new QuorumSettings(deadline, callTimeout, maxOutstanding, other);
    }

    public QuorumSettings {
        if (deadline.toMillis() < 1 || callTimeout.toMillis() < 1 || maxOutstanding < 1) {
            throw new IllegalArgumentException("The deadline, call timeout and number of outstanding commands of the Raft client must "
                    + "be positive, not " + deadline + ", " + callTimeout + ", " + maxOutstanding);
        }
    }
}
