package io.flotilla.journal.raft;

import io.flotilla.journal.raft.JournalCommand.Entry;
import io.flotilla.persistence.DeposedWriters;
import io.flotilla.persistence.FencedException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import java.util.function.Function;

/**
 * The epochs that this actor system holds, one {@link Writer} per persistence id, shared by both plugins.
 *
 * <p>A recovery claims before it reads anything, so what it reads can't change under it. An epoch that was lost is never claimed
 * again by a write, only by the next recovery, and not at once: a deposed writer would take the fence back ({@link DeposedWriters}).
 * Safe for all threads.
 */
final class EpochKeeper {
    /** The right to write one persistence id, as long as nobody claims it after us. */
    final class Writer {
        private final String persistenceId;
        private final long epoch;
        private final long highestAtClaim;
        private volatile long highest;

        private Writer(String persistenceId, long epoch, long highest) {
            this.persistenceId = persistenceId;
            this.epoch = epoch;
            this.highestAtClaim = highest;
            this.highest = highest;
        }

        long epoch() {
            return epoch;
        }

        long highestAtClaim() {
            return highestAtClaim;
        }

        /** Appends atomically. One at a time: each append names the highest number that the one before left. */
        CompletionStage<Void> append(List<Entry> entries) {
            return submit.apply(new JournalCommand.Append(persistenceId, epoch, highest, entries)).thenAccept(reply -> {
                switch (reply) {
                    case JournalReply.Appended written -> highest = written.highestSequenceNr();
                    default -> throw failure(reply);
                }
            });
        }
    }

    private final Function<JournalCommand, CompletionStage<JournalReply>> submit;
    private final DeposedWriters deposed;
    private final Map<String, CompletableFuture<Writer>> writers = new ConcurrentHashMap<>();
    /** Persistence ids whose recovery has claimed with the snapshot, and whose highest number hasn't been asked, nor changed, yet. */
    private final Set<String> recovering = ConcurrentHashMap.newKeySet();

    EpochKeeper(Function<JournalCommand, CompletionStage<JournalReply>> submit, DeposedWriters deposed) {
        this.submit = submit;
        this.deposed = deposed;
    }

    /** The beginning of a recovery: claims anew. Fails with {@link FencedException} while it must not. */
    CompletionStage<Writer> claimForSnapshot(String persistenceId) {
        return claimToRecover(persistenceId).thenApply(claimed -> {
            recovering.add(persistenceId);
            return claimed;
        });
    }

    /** The second step of a recovery, or its first if it loads no snapshot. */
    CompletionStage<Writer> claimForReplay(String persistenceId) {
        return recovering.remove(persistenceId) ? writer(persistenceId) : claimToRecover(persistenceId);
    }

    private CompletionStage<Writer> claimToRecover(String persistenceId) {
        try {
            deposed.requireOver(persistenceId);
        } catch (FencedException e) {
            return CompletableFuture.failedFuture(e);
        }
        CompletableFuture<Writer> held = writers.get(persistenceId);
        if (held == null || held.state() != Future.State.SUCCESS || deposed.contains(persistenceId)) {
            return claim(persistenceId);
        }
        // Deletes nothing, but is answered only under the present epoch.
        return submit.apply(new JournalCommand.DeleteTo(persistenceId, held.resultNow().epoch(), 0)).thenCompose(reply -> switch (reply) {
            case JournalReply.Done _ -> claim(persistenceId);
            case JournalReply.Fenced fenced -> throw deposed.deposed(persistenceId, fenced.reason());
            default -> throw failure(reply);
        });
    }

    /** Whoever writes now; claims only if nothing in this system ever did. */
    CompletionStage<Writer> writer(String persistenceId) {
        recovering.remove(persistenceId);
        CompletableFuture<Writer> held = writers.get(persistenceId);
        return held == null || held.isCompletedExceptionally() ? claim(persistenceId) : held;
    }

    private CompletionStage<Writer> claim(String persistenceId) {
        CompletableFuture<Writer> claimed = submit.apply(new JournalCommand.ClaimEpoch(persistenceId, UUID.randomUUID()))
                .thenApply(reply -> switch (reply) {
                    case JournalReply.EpochClaimed c -> {
                        deposed.claimed(persistenceId);
                        yield new Writer(persistenceId, c.epoch(), c.highestSequenceNr());
                    }
                    default -> throw failure(reply);
                }).toCompletableFuture();
        writers.put(persistenceId, claimed);
        return claimed;
    }

    /** @throws IllegalStateException if this system holds none for that id */
    long epoch(String persistenceId) {
        CompletableFuture<Writer> held = writers.get(persistenceId);
        if (held == null || held.state() != Future.State.SUCCESS) {
            throw new IllegalStateException("No epoch of " + persistenceId + " is held here: it isn't known before the recovery");
        }
        return held.resultNow().epoch();
    }

    /** Whether this system has claimed that epoch last, and was not told since that another one did. */
    boolean holds(String persistenceId, long epoch) {
        CompletableFuture<Writer> held = writers.get(persistenceId);
        return held != null && held.state() == Future.State.SUCCESS && held.resultNow().epoch() == epoch
                && !deposed.contains(persistenceId);
    }

    static RuntimeException failure(JournalReply reply) {
        return switch (reply) {
            case JournalReply.Fenced fenced -> new FencedException(fenced.reason());
            case JournalReply.Refused refused -> new IllegalStateException("The journal refused: " + refused.reason());
            default -> new IllegalStateException("The journal gave an answer that doesn't fit: " + reply.getClass().getSimpleName());
        };
    }
}
