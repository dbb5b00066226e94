package io.flotilla.persistence;

import java.util.Optional;
import java.util.function.Function;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.BehaviorInterceptor;
import org.apache.pekko.actor.typed.TypedActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;

/**
 * The way of commands to a persistent actor. Pekko keeps them while the actor recovers, which takes as long as the journal is
 * away; the singleton's order to hand over must not wait for that. Confined to its actor, which tells it how far it is.
 */
public final class RecoveryGate<C> extends BehaviorInterceptor<C, C> {
  private final Class<? extends C> stop;
  private final Function<C, Optional<C>> admission;
  private boolean recovering = true;

  /**
   * @param stop the order to hand over, obeyed at once while the actor recovers
   * @param admission what the actor gets of any other command; none if it was dealt with
   */
  public RecoveryGate(Class<C> commands, Class<? extends C> stop, Function<C, Optional<C>> admission) {
    super(commands);
    this.stop = stop;
    this.admission = admission;
  }

  /** The journal failed, so that the actor restarts. */
  public void failed() {
    recovering = true;
  }

  public void recovered() {
    recovering = false;
  }

  @Override
  public Behavior<C> aroundReceive(TypedActorContext<C> context, C command, ReceiveTarget<C> target) {
    if (recovering && stop.isInstance(command)) {
      return Behaviors.stopped();
    }
    return admission.apply(command).map(admitted -> target.apply(context, admitted)).orElseGet(Behaviors::same);
  }
}
