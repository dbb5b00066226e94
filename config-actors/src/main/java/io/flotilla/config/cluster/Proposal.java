package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * A change that the primary decides about. What it would change is computed again whenever the configuration may have
 * moved on meanwhile, so {@code edit} must depend on nothing but the configuration it is given.
 *
 * @param dryRun decides and asks the nodes, and changes nothing
 * @param force commits in spite of what the nodes say
 */
record Proposal(
    String id,
    Author author,
    String comment,
    boolean dryRun,
    boolean force,
    Function<ClusterConfig, ConfigEditor.Result> edit,
    ActorRef<ConfigPrimary.SubmitReply> replyTo) {}
