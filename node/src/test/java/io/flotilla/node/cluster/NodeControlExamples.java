package io.flotilla.node.cluster;

import io.flotilla.golden.Example;
import java.util.List;
import org.apache.pekko.actor.typed.ActorRefResolver;

/** One of each message between the nodes' control planes. */
public final class NodeControlExamples {
  private NodeControlExamples() {}

  public static List<Example> all(ActorRefResolver refs) {
    return List.of(
        Example.of(new NodeControl.DesignatePrimary("node-3", refs.resolveActorRef("pekko://golden/user/asker"))),
        Example.of(new NodeControl.Rejoin("node-3 is to be the primary")),
        Example.of(new NodeControl.HoldPrimary()),
        Example.of(new NodeControl.Designated("node-3")),
        Example.of(new NodeControl.Refused("the primary has just moved; try again")));
  }
}
