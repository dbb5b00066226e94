package io.flotilla.http.balancer;

import java.util.Optional;

/**
 * What the operator says about the load balancer.
 *
 * @param address where it listens; {@code *} is everywhere
 * @param source the address it connects to the nodes from; whichever the system takes if there is none
 * @param agent whether it asks each node how many clients it takes
 * @param health how it asks whether a node is ready; by the listeners themselves if there is nothing
 */
public record BalancerOptions(String address, Optional<String> source, boolean agent, Optional<Health> health) {
  public static final String EVERYWHERE = "*";

  /** Where {@code /health/ready} is, on each node. */
  public record Health(int port, boolean tls) {}

  /** An address with a port, or with ports. */
  static String at(String address, Object port) {
    return (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
  }
}
