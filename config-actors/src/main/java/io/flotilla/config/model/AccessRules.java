package io.flotilla.config.model;

import java.net.InetAddress;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * All access rules of a configuration, in the order in which they are asked: by priority, at the same one those that deny
 * first. The first that is for a client decides; a client for whom there is none may connect. Immutable.
 */
public final class AccessRules {
  private final List<AccessRule> rules;

  AccessRules(List<AccessRule> rules) {
    this.rules = rules.stream().sorted(Comparator.comparingInt(AccessRule::priority)
        .thenComparing(AccessRule::action, Comparator.reverseOrder())).toList();
  }

  /** The rule that keeps a client out. */
  public Optional<AccessRule> denial(Listener.Protocol protocol, InetAddress address) {
    return rules.stream().filter(rule -> rule.isFor(protocol, address)).findFirst()
        .filter(rule -> rule.action() == AccessRule.Action.DENY);
  }
}
