package io.flotilla.journal.raft;

import com.typesafe.config.Config;
import io.flotilla.persistence.DeposedWriters;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.function.Function;
import org.apache.pekko.actor.AbstractExtensionId;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.actor.ClassicActorSystemProvider;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Extension;
import org.apache.pekko.actor.ExtensionIdProvider;

/**
 * What the journal and the snapshot store of one actor system share: the Raft group and the epochs held.
 *
 * <p>The group comes with {@link RaftQuorumSetup}. Without it the extension opens its own voter in
 * {@code flotilla.data-directory}, founding a group of one if the directory is empty, and closes it when the system has
 * terminated. Nobody else has to reach that voter, so it is on a free port of the loopback address. That start runs on a virtual thread; calls that arrive meanwhile wait, in a bounded number.
 */
public final class RaftJournalExtension implements Extension {
    private static final Id ID = new Id();

    /** Registers the extension with Pekko. */
    public static final class Id extends AbstractExtensionId<RaftJournalExtension> implements ExtensionIdProvider {
        private Id() {}

        @Override
        public RaftJournalExtension createExtension(ExtendedActorSystem system) {
            return new RaftJournalExtension(system);
        }

        @Override
        public Id lookup() {
            return ID;
        }
    }

    /** The engine of this system alone. */
    private record OwnGroup(RaftVoter voter, RaftQuorum quorum) {
        void close() {
            quorum.close();
            voter.close();
        }
    }

    private final boolean ownGroup;
    private final CompletableFuture<RaftQuorum> quorum;
    private final Semaphore calls;
    private final EpochKeeper epochs;

    private RaftJournalExtension(ExtendedActorSystem system) {
        Config config = system.settings().config();
        this.calls = new Semaphore(QuorumSettings.DEFAULTS.maxOutstanding());
        this.epochs = new EpochKeeper(this::submit, DeposedWriters.from(config));
        Optional<RaftQuorumSetup> setup = system.settings().setup().get(RaftQuorumSetup.class);
        this.ownGroup = setup.isEmpty();
        if (setup.isPresent()) {
            this.quorum = CompletableFuture.completedFuture(setup.get().quorum());
            return;
        }
        CompletableFuture<OwnGroup> own = new CompletableFuture<>();
        this.quorum = own.thenApply(OwnGroup::quorum);
        Thread.ofVirtual().name("flotilla-raft-start").start(() -> {
            try {
                own.complete(open(config));
            } catch (IOException | RuntimeException e) {
                own.completeExceptionally(new IllegalStateException("The journal can't be opened: " + e.getMessage(), e));
            }
        });
        // Termination waits for this, so that a system that is gone has also given back its directory and port.
        system.registerOnTermination(() -> own.handle((group, failure) -> {
            if (group != null) {
                group.close();
            }
            return null;
        }).join());
    }

    private static OwnGroup open(Config config) throws IOException {
        if (!config.hasPath("flotilla.data-directory")) {
            throw new IOException("flotilla.data-directory isn't set; it is where the configuration is kept");
        }
        RaftSettings settings = RaftSettings.of(
                Path.of(config.getString("flotilla.data-directory")).resolve("raft"), "127.0.0.1", 0);
        RaftVoter voter = RaftVoter.clusterIn(settings.directory()).isPresent()
                ? RaftVoter.open(settings, LocalAnswer.NONE)
                : RaftVoter.found(settings, UUID.randomUUID(), LocalAnswer.NONE);
        if (voter.start() == RaftVoter.Start.RETURNING) {
            voter.close();
            throw new IOException("the journal in " + settings.directory() + " can't be trusted and was moved to "
                    + voter.setAside().map(Path::toString).orElse("another name") + "; restore a backup");
        }
        return new OwnGroup(voter, RaftQuorum.of(voter, QuorumSettings.DEFAULTS));
    }

    public static RaftJournalExtension get(ActorSystem system) {
        return ID.get(system);
    }

    public static RaftJournalExtension get(ClassicActorSystemProvider system) {
        return ID.get(system);
    }

    /** Whether this system keeps its own Raft group, because none was given to it. */
    boolean hasOwnGroup() {
        return ownGroup;
    }

    /** The Raft group, when it is open; fails if it can't be opened. */
    CompletionStage<RaftQuorum> quorum() {
        return quorum;
    }

    /**
     * The epoch under which this system writes a persistence id. Known once its recovery has begun.
     *
     * @throws IllegalStateException before that
     */
    public long epoch(String persistenceId) {
        return epochs.epoch(persistenceId);
    }

    /** Whether this system writes a persistence id under this epoch, as far as it knows. */
    public boolean holds(String persistenceId, long epoch) {
        return epochs.holds(persistenceId, epoch);
    }

    EpochKeeper epochs() {
        return epochs;
    }

    CompletionStage<JournalReply> submit(JournalCommand command) {
        return call(open -> open.submit(command));
    }

    CompletionStage<JournalReply> query(JournalQuery query) {
        return call(open -> open.query(query));
    }

    private CompletionStage<JournalReply> call(Function<RaftQuorum, CompletionStage<JournalReply>> work) {
        if (!calls.tryAcquire()) {
            return CompletableFuture.failedFuture(new QuorumUnavailableException(
                    "Too many calls wait for the journal; nothing was written", null));
        }
        return quorum.thenCompose(work).whenComplete((reply, failure) -> calls.release());
    }
}
