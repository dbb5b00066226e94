package io.flotilla.journal.raft;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import java.util.Optional;

/**
 * How this node's voter runs.
 *
 * @param directory holds one subdirectory per Raft group, that is: one
 * @param bindHost address to listen on
 * @param port to listen on; 0 takes a free one
 * @param advertisedHost what the other voters connect to
 * @param electionTimeoutMin a follower that hears nothing for a random time between min and max stands for election
 * @param electionTimeoutMax see above; a leader without a majority for this long steps down
 * @param snapshotThreshold number of log entries after which a snapshot is taken and the log before it can go
 * @param snapshotBytes of log entries after which one is taken too; more if the last snapshot is larger, so that what is written
 *     stays in proportion to what was changed
 * @param tls how its connections are secured; none leaves them in clear
 */
public record RaftSettings(Path directory, String bindHost, int port, String advertisedHost, Duration electionTimeoutMin,
                           Duration electionTimeoutMax, long snapshotThreshold, long snapshotBytes,
                           Optional<RaftTls> tls) {
    public static final Duration ELECTION_TIMEOUT_MIN = Duration.ofMillis(500);
    public static final Duration ELECTION_TIMEOUT_MAX = Duration.ofMillis(1000);
    public static final long SNAPSHOT_THRESHOLD = 8192;
    public static final long SNAPSHOT_BYTES = 32L * 1024 * 1024;

    public RaftSettings {
        Objects.requireNonNull(directory);
        Objects.requireNonNull(bindHost);
        Objects.requireNonNull(advertisedHost);
        if (port < 0 || port > 65535) {
            throw new IllegalArgumentException("The Raft port must be between 0 and 65535, not " + port);
        }
        if (electionTimeoutMin.toMillis() < 1 || electionTimeoutMax.compareTo(electionTimeoutMin) <= 0) {
            throw new IllegalArgumentException("The Raft election timeout must be a range, not " + electionTimeoutMin + " to "
                    + electionTimeoutMax);
        }
        if (snapshotThreshold < 1 || snapshotBytes < 1) {
            throw new IllegalArgumentException("The entries and bytes after which a Raft snapshot is taken must be positive, not "
                    + snapshotThreshold + " and " + snapshotBytes);
        }
    }

    /** With the defaults, advertising the address that is bound. */
    public static RaftSettings of(Path directory, String host, int port) {
        return new RaftSettings(directory, host, port, host, ELECTION_TIMEOUT_MIN, ELECTION_TIMEOUT_MAX, SNAPSHOT_THRESHOLD,
                SNAPSHOT_BYTES, Optional.empty());
    }

    public RaftSettings withPort(int other) {
        return new RaftSettings(directory, bindHost, other, advertisedHost, electionTimeoutMin, electionTimeoutMax, snapshotThreshold,
                snapshotBytes, tls);
    }

    public RaftSettings withSnapshotThreshold(long entries) {
        return new RaftSettings(directory, bindHost, port, advertisedHost, electionTimeoutMin, electionTimeoutMax, entries,
                snapshotBytes, tls);
    }

    public RaftSettings withSnapshotBytes(long bytes) {
        return new RaftSettings(directory, bindHost, port, advertisedHost, electionTimeoutMin, electionTimeoutMax, snapshotThreshold,
                bytes, tls);
    }

    public RaftSettings withTls(Optional<RaftTls> others) {
        return new RaftSettings(directory, bindHost, port, advertisedHost, electionTimeoutMin, electionTimeoutMax, snapshotThreshold,
                snapshotBytes, others);
    }

    /** host:port as the others see it; IPv6 addresses in brackets. */
    String advertisedAddress() {
        return HostPort.format(advertisedHost, port);
    }
}
