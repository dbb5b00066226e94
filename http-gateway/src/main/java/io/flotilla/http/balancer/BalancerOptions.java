package io.flotilla.http.balancer;

import java.util.Arrays;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What the operator says about the load balancer.
 *
 * @param address where it listens; {@code *} is everywhere
 * @param source the address it connects to the nodes from; whichever the system takes if there is none
 * @param runAs as whom it goes on after its start; as whom it is started if there is nothing
 * @param agent whether it asks each node how many clients it takes
 * @param health how it asks whether a node is ready; by the listeners themselves if there is nothing
 */
public record BalancerOptions(String address, Optional<String> source, Optional<RunAs> runAs, boolean agent, Optional<Health> health) {
  public static final String EVERYWHERE = "*";

  /** A user and a group of the load balancer's machine. */
  public record RunAs(String user, String group) {
    private static final Pattern NAME = Pattern.compile("[A-Za-z_][A-Za-z0-9_-]{0,31}");

    /** @param text {@code USER} or {@code USER:GROUP}; nothing if it is neither */
    public static Optional<RunAs> of(String text) {
      String[] names = text.split(":", -1);
      return names.length <= 2 && Arrays.stream(names).allMatch(name -> NAME.matcher(name).matches())
          ? Optional.of(new RunAs(names[0], names[names.length - 1])) : Optional.empty();
    }
  }

  /** Where {@code /health/ready} is, on each node. */
  public record Health(int port, boolean tls) {}

  boolean isEverywhereByIpv6() {
    return address.equals("0:0:0:0:0:0:0:0");
  }

  /** An address with a port, or with ports. */
  static String at(String address, Object port) {
    return (address.contains(":") ? "[" + address + "]" : address) + ":" + port;
  }
}
