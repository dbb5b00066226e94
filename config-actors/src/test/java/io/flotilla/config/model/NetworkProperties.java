package io.flotilla.config.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.math.BigInteger;
import java.net.InetAddress;
import java.net.UnknownHostException;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class NetworkProperties {
  @Property(tries = 500)
  void ipv4Network_containsWhatHasItsBeginning(
      @ForAll @Size(4) byte[] base, @ForAll @Size(4) byte[] other, @ForAll @IntRange(min = 0, max = 32) int prefix)
      throws UnknownHostException {
    check(base, other, prefix);
  }

  @Property(tries = 500)
  void ipv6Network_containsWhatHasItsBeginning(
      @ForAll @Size(16) byte[] base, @ForAll @Size(16) byte[] other, @ForAll @IntRange(min = 0, max = 128) int prefix)
      throws UnknownHostException {
    base[0] |= 1; // else it may be an IPv4 address in the form of an IPv6 one
    other[0] |= 1;
    check(base, other, prefix);
  }

  private static void check(byte[] base, byte[] other, int prefix) throws UnknownHostException {
    int rest = base.length * 8 - prefix;
    BigInteger first = new BigInteger(1, base).shiftRight(rest).shiftLeft(rest);
    Network network = Network.parse(address(first, base.length).getHostAddress() + "/" + prefix);
    assertEquals(new BigInteger(1, other).shiftRight(rest).equals(first.shiftRight(rest)),
        network.contains(InetAddress.getByAddress(other)));
    assertTrue(network.contains(InetAddress.getByAddress(base)));
    assertTrue(network.contains(address(first, base.length)));
    assertEquals(network, Network.parse(network.toString()));
  }

  private static InetAddress address(BigInteger value, int length) throws UnknownHostException {
    byte[] bytes = new byte[length];
    for (int i = 0; i < length; i++) {
      bytes[length - 1 - i] = value.shiftRight(8 * i).byteValue();
    }
    return InetAddress.getByAddress(bytes);
  }

  @Property(tries = 1000)
  void anyText_isRefusedWithWordsOrRead(@ForAll String text) {
    try {
      Network.parse(text);
    } catch (IllegalArgumentException e) {
      assertFalse(e.getMessage().isEmpty());
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "/", "/8", "10", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "::/129",
      "example.org/8", "10.0.0.256/32", "fe80::1%eth0", "10.0.0.0 /8", "0x0a000000/8", "*"})
  void nonsense_isNoNetwork(String text) {
    assertThrows(IllegalArgumentException.class, () -> Network.parse(text));
  }

  @ParameterizedTest
  @CsvSource({"10.1.2.3/8,10.0.0.0/8", "2001:db8::1/32,2001:db8:0:0:0:0:0:0/32", "192.0.2.129/25,192.0.2.128/25"})
  void addressWithAPrefix_isRefusedWithTheNetworkItIsIn(String text, String network) {
    assertEquals("has bits beyond its prefix; the network is " + network,
        assertThrows(IllegalArgumentException.class, () -> Network.parse(text)).getMessage());
  }

  @ParameterizedTest
  @CsvSource({"0.0.0.0/0,2001:db8::1", "::/0,192.0.2.1"})
  void networkOfTheOtherFamily_containsNothing(String network, String address) {
    assertFalse(Network.parse(network).contains(InetAddress.ofLiteral(address)));
  }
}
