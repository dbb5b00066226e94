package io.flotilla.config.cluster;

import io.flotilla.config.event.Author;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Refusal;
import java.util.Optional;
import java.util.function.Function;
import org.apache.pekko.actor.typed.ActorRef;

/**
 * A change that the primary decides about. What it would change is computed again whenever the configuration may have
 * moved on meanwhile, so {@code edit} must depend on nothing but the configuration it is given.
 *
 * @param dryRun decides and asks the nodes, and changes nothing
 * @param force commits in spite of what the nodes say
 * @param bytes about what it holds in memory while it waits
 */
record Proposal(
    String id,
    Author author,
    String comment,
    boolean dryRun,
    boolean force,
    long bytes,
    Function<ClusterConfig, ConfigEditor.Result> edit,
    ActorRef<ConfigPrimary.SubmitReply> replyTo) {

  /** Wants the version that a command names, as history leads back to it now; it may be forgotten while nodes are asked. */
  static Proposal toRestore(PrimaryState state, ConfigPrimary.RollBack command, ConfigEditor editor, EntityCodec codec) {
    Optional<ClusterConfig> wanted = state.configAt(command.to(), codec);
    ConfigEditor.Refused unknown = new ConfigEditor.Refused(Refusal.of(Refusal.Reason.NOT_FOUND,
        "version " + command.to() + " is not kept; versions " + state.oldest() + " to " + state.config().version()
            + " can be restored"));
    // The old version shares what did not change with the present one.
    return new Proposal(command.id(), command.author(), command.comment(), command.dryRun(), command.force(), 0,
        config -> wanted.map(past -> editor.restore(config, past, command.expectedHead())).orElse(unknown),
        command.replyTo());
  }
}
