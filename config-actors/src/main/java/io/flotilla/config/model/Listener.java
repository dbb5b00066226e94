package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Protocol, address and port that the matching nodes open. Without an address each node binds its own one. A selector
 * is {@code *}, a node's name, or {@code role:} and a role.
 */
public record Listener(
    String name,
    Protocol protocol,
    Optional<String> address,
    int port,
    List<String> nodes,
    boolean enabled,
    int maxConnections,
    Duration idleTimeout,
    List<String> hostKeys)
    implements Entity {
  /** What a listener speaks: one of this release's, or the word of a newer one, which is kept and not served. */
  public record Protocol(String id) {
    public static final Protocol SFTP = new Protocol("sftp");

    public boolean isKnown() {
      return equals(SFTP);
    }
  }

  private static final Set<String> WILDCARDS = Set.of("0.0.0.0", "::");
  private static final int DEFAULT_MAX_CONNECTIONS = 10_000;
  private static final Duration DEFAULT_IDLE_TIMEOUT = Duration.ofMinutes(10);

  static Listener read(Fields fields) {
    if (!fields.has("protocol")) {
      fields.error("protocol", "is required");
    }
    List<String> nodes = fields.texts("nodes", 128, Listener::problemWithSelector);
    Protocol protocol = new Protocol(fields.text("protocol").orElse("unknown"));
    if (fields.has("protocol") && !protocol.isKnown()) {
      fields.error("protocol", "must be 'sftp', the protocol this release serves");
    }
    return new Listener(
        fields.name(),
        protocol,
        fields.parsed("address", Listener::parseAddress),
        fields.requiredInteger("port", 1, 65535),
        nodes.isEmpty() ? List.of("*") : nodes,
        fields.bool("enabled", true),
        fields.integer("maxConnections", 1, 1_000_000, DEFAULT_MAX_CONNECTIONS),
        fields.duration("idleTimeout", Duration.ofDays(7), DEFAULT_IDLE_TIMEOUT),
        fields.object("ssh", ssh -> ssh.texts("hostKeys", 16, EntityKey::problemWithName)).orElse(List.of()));
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("protocol", protocol.id());
    json.put("address", address.orElse(null));
    json.put("port", port);
    nodes.forEach(json.putArray("nodes")::add);
    json.put("enabled", enabled);
    json.put("maxConnections", maxConnections);
    json.put("idleTimeout", Durations.format(idleTimeout));
    hostKeys.forEach(json.putObject("ssh").putArray("hostKeys")::add);
  }

  public boolean isOpenOn(String node, Set<String> roles) {
    return enabled && nodes.stream().anyMatch(selector -> selector.equals("*") || selector.equals(node)
        || selector.startsWith("role:") && roles.contains(selector.substring("role:".length())));
  }

  /** Whether both could want the same address and port on some node; what a protocol of a newer release wants is not known. */
  boolean collidesWith(Listener other) {
    return enabled && other.enabled && protocol.isKnown() && other.protocol.isKnown() && port == other.port
        && addressesMeet(other) && selectorsMeet(other);
  }

  private boolean addressesMeet(Listener other) {
    return address.equals(other.address)
        || address.filter(WILDCARDS::contains).isPresent()
        || other.address.filter(WILDCARDS::contains).isPresent();
  }

  private boolean selectorsMeet(Listener other) {
    return nodes.stream().anyMatch(mine -> other.nodes.stream().anyMatch(theirs ->
        mine.equals(theirs) || isOpenEnded(mine) || isOpenEnded(theirs)));
  }

  private static boolean isOpenEnded(String selector) {
    return selector.equals("*") || selector.startsWith("role:");
  }

  private static Optional<String> problemWithSelector(String selector) {
    String name = selector.startsWith("role:") ? selector.substring("role:".length()) : selector;
    return selector.equals("*") ? Optional.empty() : EntityKey.problemWithName(name);
  }

  /** Only literal addresses: a name could mean something else on every node and at every start. */
  static String parseAddress(String text) {
    if (!text.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}") && !(text.contains(":") && text.matches("[0-9A-Fa-f:.]+"))) {
      throw new IllegalArgumentException("must be an IPv4 or IPv6 address");
    }
    try {
      return java.net.InetAddress.getByName(text).getHostAddress();
    } catch (java.net.UnknownHostException e) {
      throw new IllegalArgumentException("must be an IPv4 or IPv6 address", e);
    }
  }
}
