package io.flotilla.config.model;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Addresses with a common beginning, in CIDR notation (RFC 4632, RFC 4291 section 2.3): {@code 192.0.2.0/24},
 * {@code 2001:db8::/32}. A single address is the network of itself.
 *
 * @param prefix how many bits are common: 0 to 32, or to 128 for IPv6
 */
public record Network(InetAddress address, int prefix) {
  /** Throws IllegalArgumentException with words for whoever wrote the text. */
  public static Network parse(String text) {
    int slash = text.indexOf('/');
    InetAddress address = InetAddress.ofLiteral(Listener.parseAddress(slash < 0 ? text : text.substring(0, slash)));
    int bits = address.getAddress().length * 8;
    int prefix = slash < 0 ? bits : prefix(text.substring(slash + 1), bits);
    Network network = new Network(address, prefix);
    InetAddress first = network.first();
    if (!first.equals(address)) {
      throw new IllegalArgumentException("has bits beyond its prefix; the network is " + new Network(first, prefix));
    }
    return network;
  }

  private static int prefix(String text, int most) {
    if (!text.matches("[0-9]{1,3}") || Integer.parseInt(text) > most) {
      throw new IllegalArgumentException("must be a network such as 192.0.2.0/24 or 2001:db8::/32, or an address");
    }
    return Integer.parseInt(text);
  }

  /**
   * Reads a list of networks. What can't be read is a fault and is left out; an empty list is a fault as well, because it would
   * be read as everybody by some and as nobody by others.
   *
   * @return empty if the field is absent
   */
  static Optional<List<Network>> list(Fields fields, String field, int most) {
    if (!fields.has(field)) {
      return Optional.empty();
    }
    List<Network> networks = new ArrayList<>();
    int given = fields.texts(field, most, text -> {
      try {
        networks.add(parse(text));
        return Optional.empty();
      } catch (IllegalArgumentException e) {
        return Optional.of(e.getMessage());
      }
    }).size();
    if (given == 0) {
      fields.error(field, "must name at least one network; leave it out for no such rule");
    }
    return Optional.of(List.copyOf(networks));
  }

  /** An address of the other family is in no network of this one. */
  public boolean contains(InetAddress candidate) {
    byte[] mine = address.getAddress();
    byte[] bytes = candidate.getAddress();
    if (mine.length != bytes.length) {
      return false;
    }
    for (int i = 0; i < bytes.length; i++) {
      if (((mine[i] ^ bytes[i]) & mask(i)) != 0) {
        return false;
      }
    }
    return true;
  }

  public static boolean anyContains(List<Network> networks, InetAddress candidate) {
    return networks.stream().anyMatch(network -> network.contains(candidate));
  }

  private InetAddress first() {
    byte[] bytes = address.getAddress();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] &= (byte) mask(i);
    }
    try {
      return InetAddress.getByAddress(bytes);
    } catch (java.net.UnknownHostException e) {
      throw new IllegalStateException("an address has 4 or 16 bytes", e);
    }
  }

  /** The bits of byte i that are common. */
  private int mask(int i) {
    int common = Math.clamp(prefix - i * 8L, 0, 8);
    return 0xff << (8 - common) & 0xff;
  }

  @Override
  public String toString() {
    String text = address.getHostAddress();
    return prefix == address.getAddress().length * 8 ? text : text + "/" + prefix;
  }
}
