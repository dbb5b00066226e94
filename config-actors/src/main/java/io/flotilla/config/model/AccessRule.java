package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Whether clients from some networks may connect; {@link AccessRules} says which rule decides.
 *
 * @param protocols for which it holds; all if it names none
 * @param priority the rule with the lowest number decides, from 0
 */
public record AccessRule(
    String name, Action action, List<Network> from, Optional<List<Listener.Protocol>> protocols, int priority)
    implements Entity {
  static final int MAX_NETWORKS = 256;
  private static final int MAX_PRIORITY = 1_000_000;
  private static final int DEFAULT_PRIORITY = 100;

  /** Its words in the configuration are in lower case. */
  public enum Action {
    ALLOW, DENY;

    String id() {
      return name().toLowerCase(Locale.ROOT);
    }

    static Action parse(String text) {
      return Arrays.stream(values()).filter(action -> action.id().equals(text)).findFirst()
          .orElseThrow(() -> new IllegalArgumentException("must be 'allow' or 'deny'"));
    }
  }

  static AccessRule read(Fields fields) {
    if (!fields.has("action")) {
      fields.error("action", "is required");
    }
    // A word of a newer release must not let anyone in.
    Action action = fields.parsed("action", Action::parse).orElse(Action.DENY);
    Optional<List<Network>> from = Network.list(fields, "from", MAX_NETWORKS);
    if (from.isEmpty()) {
      fields.error("from", "is required");
    }
    return new AccessRule(fields.name(), action, from.orElse(List.of()),
        Listener.Protocol.list(fields, "protocols"), fields.integer("priority", 0, MAX_PRIORITY, DEFAULT_PRIORITY));
  }

  boolean isFor(Listener.Protocol protocol, InetAddress address) {
    return protocols.map(some -> some.contains(protocol)).orElse(true) && Network.anyContains(from, address);
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("action", action.id());
    from.forEach(network -> json.withArray("from").add(network.toString()));
    Listener.Protocol.describe(json, protocols);
    json.put("priority", priority);
  }
}
