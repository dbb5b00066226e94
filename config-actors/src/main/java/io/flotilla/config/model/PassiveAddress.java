package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.InetAddress;
import java.util.List;
import java.util.Optional;

/**
 * Which IPv4 address PASV tells an FTP client to connect to for data, for nodes behind NAT: that of the first of the
 * networks the client is in, else the one for all, else the one the client came by.
 *
 * @param networks for clients from inside the NAT, or from several sides of it
 */
public record PassiveAddress(Optional<String> address, List<ByNetwork> networks) {
  static final PassiveAddress NONE = new PassiveAddress(Optional.empty(), List.of());
  private static final int MAX_NETWORKS = 64;

  /**
   * What clients from some networks are told.
   *
   * @param address empty if it is the address they came by
   */
  public record ByNetwork(List<Network> from, Optional<String> address) {
    static ByNetwork read(Fields fields) {
      Optional<List<Network>> from = Network.list(fields, "from", MAX_NETWORKS);
      if (from.isEmpty()) {
        fields.error("from", "is required");
      }
      return new ByNetwork(from.orElse(List.of()), fields.parsed("address", PassiveAddress::parse));
    }
  }

  static PassiveAddress read(Fields fields) {
    return new PassiveAddress(fields.parsed("passiveAddress", PassiveAddress::parse),
        fields.objects("passiveNetworks", MAX_NETWORKS, ByNetwork::read));
  }

  /** PASV has no room for an IPv6 address. */
  private static String parse(String text) {
    if (text.contains(":") || Listener.WILDCARDS.contains(text)) {
      throw new IllegalArgumentException(
          "must be an IPv4 address that clients can connect to; over IPv6 they are not told an address");
    }
    return Listener.parseAddress(text);
  }

  /** What a client is told; empty if it is the address it came by. */
  public Optional<InetAddress> towards(InetAddress client) {
    return networks.stream().filter(one -> Network.anyContains(one.from, client)).findFirst()
        .map(ByNetwork::address).orElse(address).map(InetAddress::ofLiteral);
  }

  boolean isEmpty() {
    return address.isEmpty() && networks.isEmpty();
  }

  /** A node's own, of which each part goes before the same of the listener. */
  public PassiveAddress orElse(PassiveAddress others) {
    return new PassiveAddress(address.or(others::address), networks.isEmpty() ? others.networks : networks);
  }

  void describeNetworks(ObjectNode json) {
    ArrayNode array = json.putArray("passiveNetworks");
    networks.forEach(one -> {
      ObjectNode entry = array.addObject();
      one.from.forEach(network -> entry.withArray("from").add(network.toString()));
      entry.put("address", one.address.orElse(null));
    });
  }
}
