package io.flotilla.journal.raft;

import com.typesafe.config.Config;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.apache.pekko.actor.AbstractExtensionId;
import org.apache.pekko.actor.ExtendedActorSystem;
import org.apache.pekko.actor.Extension;
import org.apache.pekko.actor.ExtensionIdProvider;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens the journal together with an actor system that has it as its default journal or snapshot store, so that the first
 * persistent actor doesn't wait for the Raft group to start, which the machinery above may not have the patience for. Runs on the
 * thread that creates the system, which it keeps for {@value #PATIENCE_SECONDS} s at most. Whatever goes wrong is left to the
 * plugins, whose calls fail with the reason. A library extension, see reference.conf.
 */
public final class RaftJournalAtStart implements Extension {
    private static final Logger LOG = LoggerFactory.getLogger(RaftJournalAtStart.class);
    private static final int PATIENCE_SECONDS = 30;

    /** Registers the extension with Pekko. */
    public static final class Id extends AbstractExtensionId<RaftJournalAtStart> implements ExtensionIdProvider {
        private static final Id ID = new Id();

        private Id() {}

        @Override
        public RaftJournalAtStart createExtension(ExtendedActorSystem system) {
            if (isDefault(system.settings().config())) {
                open(system);
            }
            return new RaftJournalAtStart();
        }

        @Override
        public Id lookup() {
            return ID;
        }
    }

    private RaftJournalAtStart() {}

    private static boolean isDefault(Config config) {
        return config.getString("pekko.persistence.journal.plugin").equals("flotilla.journal.raft")
                || config.getString("pekko.persistence.snapshot-store.plugin").equals("flotilla.snapshot-store.raft");
    }

    private static void open(ExtendedActorSystem system) {
        RaftJournalExtension raft = RaftJournalExtension.get(system);
        if (!raft.hasOwnGroup()) {
            return; // the node that gave the group looks after it
        }
        try {
            // It is open when a question is answered: then there is a leader.
            raft.query(new JournalQuery.CurrentGeneration()).toCompletableFuture().get(PATIENCE_SECONDS, TimeUnit.SECONDS);
        } catch (ExecutionException e) {
            LOG.error("The journal can't be used: {}", e.getCause().getMessage(), e.getCause());
        } catch (TimeoutException e) {
            LOG.warn("The journal isn't open after {} s; {} starts without it", PATIENCE_SECONDS, system.name());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
