package io.flotilla.journal.raft;

import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;

/** Opens real voters on loopback and closes what a test leaves open. */
final class TestVoters implements AutoCloseable {
    private final List<AutoCloseable> open = new ArrayList<>();

    static RaftSettings settings(Path directory) {
        return RaftSettings.of(directory, "127.0.0.1", 0);
    }

    RaftVoter found(Path directory, UUID clusterId) throws IOException {
        return keep(RaftVoter.found(settings(directory), clusterId, LocalAnswer.NONE));
    }

    RaftVoter join(Path directory, UUID clusterId) throws IOException {
        return keep(RaftVoter.join(settings(directory), clusterId, LocalAnswer.NONE));
    }

    RaftVoter open(Path directory) throws IOException {
        return keep(RaftVoter.open(settings(directory), LocalAnswer.NONE));
    }

    RaftQuorum quorum(RaftVoter of) {
        return keep(RaftQuorum.of(of, new QuorumSettings(Duration.ofSeconds(20), Duration.ofSeconds(2), 64)));
    }

    /** One that has no voter of its own in the process. */
    RaftQuorum remote(RaftVoter... voters) {
        return keep(new RaftQuorum(voters[0].clusterId(), List.of(voters).stream().map(RaftVoter::self).toList(),
                new QuorumSettings(Duration.ofSeconds(20), Duration.ofSeconds(2), 64)));
    }

    /** By one of the group. On a busy machine Ratis may give up the first time, as the leader that a node's VoterKeeper is would see. */
    static void admit(RaftVoter by, RaftVoter added) {
        await().atMost(Duration.ofSeconds(60)).ignoreExceptionsInstanceOf(IOException.class).until(() -> {
            by.addVoter(added.self());
            return added.isAdmitted();
        });
    }

    <T extends AutoCloseable> T keep(T opened) {
        open.addFirst(opened);
        return opened;
    }

    /** Waits for an answer of a certain kind. */
    static <T extends JournalReply> T get(CompletionStage<JournalReply> reply, Class<T> kind) {
        try {
            return kind.cast(reply.toCompletableFuture().get(30, TimeUnit.SECONDS));
        } catch (ExecutionException e) {
            if (e.getCause() instanceof RuntimeException failure) {
                throw failure;
            }
            throw new AssertionError(e.getCause());
        } catch (InterruptedException | TimeoutException e) {
            throw new AssertionError(e);
        }
    }

    static Bytes bytes(String text) {
        return Bytes.copyOf(text.getBytes(StandardCharsets.UTF_8));
    }

    static JournalCommand.Append append(String id, long epoch, long number) {
        return new JournalCommand.Append(id, epoch, number - 1, List.of(new JournalCommand.Entry(number, bytes("event " + number))));
    }

    static JournalCommand.ClaimEpoch claim(String id) {
        return new JournalCommand.ClaimEpoch(id, UUID.randomUUID());
    }

    static List<Long> numbers(RaftQuorum quorum, String id) {
        return get(quorum.query(new JournalQuery.Replay(id, 1, Long.MAX_VALUE, Long.MAX_VALUE)), JournalReply.ReplayPage.class)
                .entries().stream().map(JournalCommand.Entry::sequenceNr).toList();
    }

    static Optional<RaftVoter> leader(List<RaftVoter> voters) {
        return voters.stream().filter(RaftVoter::isLeader).findFirst();
    }

    @Override
    public void close() throws Exception {
        for (AutoCloseable closeable : open) {
            closeable.close();
        }
    }
}
