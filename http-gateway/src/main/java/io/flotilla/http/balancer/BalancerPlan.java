package io.flotilla.http.balancer;

import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.PassiveAddress;
import io.flotilla.config.model.Policy;
import io.flotilla.config.model.PortRange;
import io.flotilla.config.model.Storage;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.NodeIdentity;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.UUID;

/**
 * What a load balancer before the cluster has to know: which port leads to which nodes, and what of the configuration stands in its way.
 *
 * @param version of the configuration
 * @param services in the order of the listeners' names
 * @param warnings sentences for the operator
 */
public record BalancerPlan(long version, List<Service> services, List<String> warnings) {
  /**
   * A node of the cluster.
   *
   * @param host where the other nodes reach it
   * @param remotingPort where they do
   * @param isAway whether it is not in the cluster now
   */
  public record Node(String name, String host, int remotingPort, Set<String> roles, boolean isAway) {
    /** Where its agent for load balancers is, unless a setting of the node says otherwise. */
    int agentPort() {
      return remotingPort + 3;
    }

    /** @param address of its remoting, such as {@code 10.0.0.1:20001} or {@code [2001:db8::1]:20001} */
    public static Node of(String name, String address, Set<String> roles, boolean isAway) {
      int colon = address.lastIndexOf(':');
      return new Node(name, address.substring(0, colon).replaceAll("[\\[\\]]", ""), Integer.parseInt(address.substring(colon + 1)), roles,
          isAway);
    }
  }

  /**
   * A node that serves a listener.
   *
   * @param label of the node, a word that no configuration language stumbles over
   * @param host where it listens
   * @param passivePorts those that the load balancer can lead to this node; none if there are none, or if another node has them, too
   */
  public record Server(Node node, String label, String host, int port, Optional<PortRange> passivePorts) {}

  /**
   * A listener with the nodes that serve it.
   *
   * @param label a word that no configuration language stumbles over
   * @param isSticky whether a client has to be led to the same node each time
   */
  public record Service(Listener listener, String label, boolean isSticky, List<Server> servers) {
    /** Where clients find it. */
    public int port() {
      return listener.port();
    }

    public boolean isProxied() {
      return listener.proxies().protocol() != Listener.ProxyProtocol.OFF;
    }

    boolean is(Listener.Protocol protocol) {
      return listener.protocol().equals(protocol);
    }

    /** Whether TLS begins with the first byte. */
    boolean isTlsFromTheStart() {
      return is(Listener.Protocol.HTTP) && listener.http().tls()
          || is(Listener.Protocol.FTP) && listener.ftp().tls() == Listener.Tls.IMPLICIT;
    }
  }

  /** @param only the name of the one listener that is wanted, if it is one */
  public static BalancerPlan of(ClusterConfig config, List<Node> nodes, Optional<String> only) {
    return new Draft(config, nodes).plan(only);
  }

  /** Brings the nodes' views of the configuration together. */
  private static final class Draft {
    private final ClusterConfig config;
    private final List<Node> nodes;
    private final List<String> warnings = new ArrayList<>();
    private final Map<String, List<ConfigView.OpenListener>> open = new TreeMap<>();
    private final Map<String, List<Node>> holders = new TreeMap<>();
    private final Labels nodeLabels = new Labels();
    private final Labels listenerLabels = new Labels();

    Draft(ClusterConfig config, List<Node> nodes) {
      this.config = config;
      this.nodes = nodes.stream().sorted(Comparator.comparing(Node::name)).toList();
    }

    BalancerPlan plan(Optional<String> only) {
      for (Node node : nodes) {
        if (node.isAway()) {
          warnings.add("node '" + node.name() + "' is not in the cluster now; it is led to all the same, as soon as it is back. If it does not "
              + "come back: flotilla nodes forget " + node.name());
        }
        new ConfigView(config, new NodeIdentity(new UUID(0, 0), node.name(), node.host(), node.roles())).listeners()
            .forEach((name, listener) -> {
              open.computeIfAbsent(name, _ -> new ArrayList<>()).add(listener);
              holders.computeIfAbsent(name, _ -> new ArrayList<>()).add(node);
            });
      }
      List<Ports> taken = new ArrayList<>();
      // The ports that clients know go before those of passive modes.
      List<String> led = open.keySet().stream().filter(name -> only.isEmpty() || only.get().equals(name)).filter(name -> isLed(name, taken)).toList();
      List<Service> services = led.stream().map(name -> service(name, taken)).toList();
      if (services.isEmpty()) {
        warnings.add(only.map(name -> "listener '" + name + "' is open on no node").orElse("no listener is open on any node"));
      }
      return new BalancerPlan(config.version(), services, List.copyOf(warnings));
    }

    /** Ports of the load balancer, and whose they are. */
    private record Ports(String owner, PortRange range) {}

    private boolean isLed(String name, List<Ports> taken) {
      Listener listener = open.get(name).getFirst().listener();
      if (!listener.protocol().isKnown()) {
        warnings.add("listener '" + name + "' has the protocol '" + listener.protocol().id() + "', which this release does not know: left out");
        return false;
      }
      return take(new Ports("listener '" + name + "'", new PortRange(listener.port(), listener.port())), taken);
    }

    private Service service(String name, List<Ports> taken) {
      Listener listener = open.get(name).getFirst().listener();
      List<Server> servers = new ArrayList<>();
      for (int i = 0; i < open.get(name).size(); i++) {
        ConfigView.OpenListener at = open.get(name).get(i);
        Node node = holders.get(name).get(i);
        Optional<PortRange> passive = listener.protocol().equals(Listener.Protocol.FTP) ? passive(name, node, at.listener(), taken) : Optional.empty();
        servers.add(new Server(node, nodeLabels.of(node.name()), reachable(at.address(), node), at.port(), passive));
      }
      boolean isHttp = listener.protocol().equals(Listener.Protocol.HTTP);
      boolean losesSessions = isHttp && !Policy.Sessions.of(config).replicated();
      judge(listener, losesSessions);
      return new Service(listener, listenerLabels.of(name), losesSessions || isHttp && hasLocalFiles(), List.copyOf(servers));
    }

    /** Whether nodes have files of their own. Then an upload of many requests is at the node where it was begun, and a listing at the next may lag. */
    private boolean hasLocalFiles() {
      return config.ofKind(Kind.STORAGES).stream().anyMatch(stored -> !((Storage) stored.entity()).shared());
    }

    /** Whether the load balancer can have ports; if it has some of them already, a warning says so. */
    private boolean take(Ports wanted, List<Ports> taken) {
      Optional<Ports> other = taken.stream().filter(ports -> ports.range().overlaps(wanted.range())).findFirst();
      other.ifPresent(ports -> warnings.add(wanted.owner() + " has " + text(wanted.range()) + ", and so has " + ports.owner() + " "
          + text(ports.range()) + ": behind one address they can't be told apart, so the former is left out"));
      if (other.isEmpty()) {
        taken.add(wanted);
      }
      return other.isEmpty();
    }

    private static String text(PortRange range) {
      return range.first() == range.last() ? "port " + range.first() : "the ports " + range;
    }

    private Optional<PortRange> passive(String name, Node node, Listener at, List<Ports> taken) {
      if (at.ftp().passivePorts().isEmpty()) {
        warnings.add("listener '" + name + "' has no passivePorts on node '" + node.name() + "': passive data connections to it do not come "
            + "through the load balancer; give each node a range of its own: flotilla config patch nodes/" + node.name()
            + " '{\"listeners\": {\"" + name + "\": {\"passivePorts\": \"" + suggestion(node) + "\"}}}'");
        return Optional.empty();
      }
      PassiveAddress told = at.ftp().passiveAddress();
      if (at.proxies().protocol() == Listener.ProxyProtocol.OFF && told.address().isEmpty() && told.networks().isEmpty()) {
        warnings.add("listener '" + name + "' has neither proxyProtocol nor passiveAddress on node '" + node.name() + "': PASV tells clients the "
            + "node's own address instead of the load balancer's");
      }
      return at.ftp().passivePorts().filter(range -> take(
          new Ports("the passive mode of listener '" + name + "' on node '" + node.name() + "'", range), taken));
    }

    /** Another range for each node. */
    private PortRange suggestion(Node node) {
      int first = 20_100 + 100 * nodes.indexOf(node);
      return new PortRange(first, first + 99);
    }

    /** A listener at all addresses of its node is reached where the node is. */
    private static String reachable(String address, Node node) {
      return address.equals("0.0.0.0") || address.equals("::") || address.equals("0:0:0:0:0:0:0:0") ? node.host() : address;
    }

    private void judge(Listener listener, boolean losesSessions) {
      if (listener.proxies().protocol() == Listener.ProxyProtocol.OFF) {
        warnings.add("listener '" + listener.name() + "' has proxyProtocol 'off': all clients have the load balancer's address, in logs, limits, "
            + "access rules and `connections`; set proxyProtocol 'required' and the load balancer's address as trustedProxies");
      }
      if (losesSessions) {
        warnings.add("policies/sessions has replicated false: only one node knows a session, so clients of listener '" + listener.name()
            + "' are led by their address, and log in again when nodes come or go");
      }
    }
  }
}
