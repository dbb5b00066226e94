package io.flotilla.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.transport.ProxyHeaderParser.Absent;
import io.flotilla.transport.ProxyHeaderParser.Found;
import io.flotilla.transport.ProxyHeaderParser.Incomplete;
import io.flotilla.transport.ProxyHeaderParser.MalformedException;
import io.flotilla.transport.ProxyHeaderParser.Outcome;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Assume;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ProxyHeaderProperties {
  private static final InetSocketAddress CLIENT = new InetSocketAddress("192.0.2.1", 40_001);
  private static final InetSocketAddress CALLED = new InetSocketAddress("198.51.100.7", 21);

  private static Outcome parse(byte[] bytes) throws MalformedException {
    return ProxyHeaderParser.parse(ByteBuffer.wrap(bytes));
  }

  private static byte[] line(String text) {
    return text.getBytes(StandardCharsets.ISO_8859_1);
  }

  /** Two ends of one connection. */
  record Ends(InetSocketAddress client, InetSocketAddress called) {}

  @Provide
  Arbitrary<Ends> ends() {
    Arbitrary<Integer> ports = Arbitraries.integers().between(0, 65_535);
    return Arbitraries.of(4, 16).flatMap(size -> {
      Arbitrary<InetAddress> addresses = Arbitraries.bytes().array(byte[].class).ofSize(size).map(ProxyHeaderProperties::address);
      return Combinators.combine(addresses, ports, addresses, ports).as((client, clientPort, called, calledPort) ->
          new Ends(new InetSocketAddress(client, clientPort), new InetSocketAddress(called, calledPort)));
    });
  }

  private static InetAddress address(byte[] bytes) {
    try {
      if (bytes.length == 16) {
        bytes[0] |= 0x20; // else it may be an IPv4 address in the form of an IPv6 one
      }
      return InetAddress.getByAddress(bytes);
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  @Property(tries = 300)
  void header_isFound_asItWasWritten_whateverFollows(@ForAll("ends") Ends ends, @ForAll byte[] rest,
      @ForAll @Size(max = 300) byte[] value) throws MalformedException {
    for (byte[] header : new byte[][] {ProxyHeaders.version1(ends.client(), ends.called()),
        ProxyHeaders.version2(ends.client(), ends.called(), new byte[0]),
        ProxyHeaders.version2(ends.client(), ends.called(), ProxyHeaders.field(0x20, value)),
        ProxyHeaders.summed(ends.client(), ends.called(), ProxyHeaders.field(4, value))}) {
      assertEquals(new Found(new ProxyHeader.Proxied(ends.client(), ends.called()), header.length),
          parse(ProxyHeaders.joined(header, rest)));
    }
  }

  @Property(tries = 300)
  void header_isIncomplete_untilItsLastByte_andNeverAsksForMoreThanItHas(@ForAll("ends") Ends ends, @ForAll @IntRange(max = 400) int cut)
      throws MalformedException {
    for (byte[] header : new byte[][] {ProxyHeaders.version1(ends.client(), ends.called()),
        ProxyHeaders.summed(ends.client(), ends.called(), ProxyHeaders.field(4, new byte[100])), ProxyHeaders.LOCAL,
        line("PROXY UNKNOWN\r\n")}) {
      int length = cut % header.length;
      int least = assertInstanceOf(Incomplete.class, parse(Arrays.copyOf(header, length))).least();
      assertTrue(least > 0 && length + least <= header.length, length + " + " + least + " of " + header.length);
    }
  }

  @Property(tries = 1000)
  void whatBeginsOtherwise_isNoHeader(@ForAll @Size(min = 1, max = 200) byte[] bytes) throws MalformedException {
    Assume.that(bytes[0] != 'P' && bytes[0] != '\r');
    assertEquals(new Absent(), parse(bytes));
  }

  @Property(tries = 1000)
  void whateverFollowsASignature_isFoundOrRefused_andNothingElseHappens(
      @ForAll boolean isBinary, @ForAll @Size(max = 120) byte[] bytes) {
    byte[] signature = isBinary ? Arrays.copyOf(ProxyHeaders.LOCAL, 12) : line("PROXY ");
    try {
      if (parse(ProxyHeaders.joined(signature, bytes)) instanceof Found found) {
        assertTrue(found.length() <= signature.length + bytes.length);
      }
    } catch (MalformedException e) {
      assertTrue(!e.getMessage().isEmpty());
    }
  }

  @Property(tries = 300)
  void oneWrongBit_isNoticedByTheChecksum(@ForAll("ends") Ends ends, @ForAll @IntRange(max = 10_000) int bit) throws MalformedException {
    byte[] header = ProxyHeaders.summed(ends.client(), ends.called(), new byte[0]);
    int fixed = 16;
    int last = header.length - 7; // then the type and the length of the checksum
    int at = fixed + bit / 8 % (last - fixed);
    header[at] ^= (byte) (1 << bit % 8);
    assertThrows(MalformedException.class, () -> parse(header));
  }

  @ParameterizedTest
  @ValueSource(strings = {"GET / HTTP/1.1\r\n", "PROPFIND / HTTP/1.1\r\n", "SSH-2.0-x\r\n", "USER ann\r\n", "\r\nUSER ann\r\n",
      "proxy TCP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXYTCP4 ", "PROX Y", "\r\n\r\n\0\r\nQUITE"})
  void otherProtocols_haveNoHeader(String text) throws MalformedException {
    assertEquals(new Absent(), parse(line(text)));
  }

  @ParameterizedTest
  @ValueSource(strings = {"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
      "PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.01 192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2 192.0.2.2 1 2\r\n",
      "PROXY TCP4 2001:db8::1 2001:db8::2 1 2\r\n", "PROXY TCP6 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY TCP6 2001:db8::1::2 ::1 1 2\r\n",
      "PROXY TCP4 192.0.2.1  192.0.2.2 1 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n", "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\n",
      "PROXY TCP4 192.0.2.1 192.0.2.2 1 2 \r\n", "PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n", "PROXY UNKNOWNS\r\n", "PROXY \r\n",
      "PROXY TCP4 example.org 192.0.2.2 1 2\r\n", "PROXY TCP6 fe80::1%lo ::1 1 2\r\n", "PROXY tcp4 192.0.2.1 192.0.2.2 1 2\r\n"})
  void malformedLines_areRefused(String text) {
    assertThrows(MalformedException.class, () -> parse(line(text)));
  }

  @Test
  void line_hasAtMost107Bytes() throws MalformedException {
    String longest = "PROXY UNKNOWN " + "f".repeat(107 - "PROXY UNKNOWN \r\n".length()) + "\r\n";
    assertEquals(new Found(new ProxyHeader.Unknown(), 107), parse(line(longest)));
    assertInstanceOf(Incomplete.class, parse(line(longest.substring(0, 106))));
    assertThrows(MalformedException.class, () -> parse(line(longest.replace("\r\n", "f\r\n"))));
    assertThrows(MalformedException.class, () -> parse(line("PROXY TCP4 " + "1".repeat(2_000))));
  }

  @Test
  void binaryHeader_hasAtMost4096Bytes_whichIsKnownFromItsBeginning() throws MalformedException {
    byte[] largest = ProxyHeaders.version2(CLIENT, CALLED, ProxyHeaders.field(0xee, new byte[4096 - 16 - 12 - 3]));
    assertEquals(new Found(new ProxyHeader.Proxied(CLIENT, CALLED), 4096), parse(largest));
    byte[] larger = ProxyHeaders.version2(CLIENT, CALLED, ProxyHeaders.field(0xee, new byte[4096 - 16 - 12 - 2]));
    assertThrows(MalformedException.class, () -> parse(Arrays.copyOf(larger, 16)));
    byte[] longestField = ProxyHeaders.version2(CLIENT, CALLED, new byte[] {0x20, (byte) 0xff, (byte) 0xff});
    assertThrows(MalformedException.class, () -> parse(longestField));
  }

  @Test
  void connectionsOfTheProxyItself_andOfUnknownClients_areItsOwn() throws MalformedException {
    assertEquals(new Found(new ProxyHeader.Check(), 16), parse(ProxyHeaders.LOCAL));
    byte[] withAddresses = ProxyHeaders.binary(0, 0x11, new byte[12]);
    assertEquals(new Found(new ProxyHeader.Check(), 28), parse(withAddresses), "LOCAL: whatever it says has to be passed over");
    assertEquals(new Found(new ProxyHeader.Unknown(), 16 + 216), parse(ProxyHeaders.binary(1, 0x31, new byte[216])), "AF_UNIX");
    assertEquals(new Found(new ProxyHeader.Unknown(), 16), parse(ProxyHeaders.binary(1, 0, new byte[0])), "AF_UNSPEC");
    assertEquals(new Found(new ProxyHeader.Unknown(), 15), parse(line("PROXY UNKNOWN\r\n")));
    String withMore = "PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n";
    assertEquals(new Found(new ProxyHeader.Unknown(), withMore.length()), parse(line(withMore)));
  }

  @Test
  void otherVersions_commands_andTransports_areRefused() {
    for (int family : new int[] {0x12, 0x22, 0x32, 0x10, 0x41, 0x01}) {
      assertThrows(MalformedException.class, () -> parse(ProxyHeaders.binary(1, family, new byte[216])), Integer.toHexString(family));
    }
    assertThrows(MalformedException.class, () -> parse(ProxyHeaders.binary(2, 0x11, new byte[12])));
    byte[] version3 = ProxyHeaders.version2(CLIENT, CALLED, new byte[0]);
    version3[12] = 0x31;
    assertThrows(MalformedException.class, () -> parse(version3));
    assertThrows(MalformedException.class, () -> parse(ProxyHeaders.binary(1, 0x11, new byte[11])), "too short for its addresses");
    assertThrows(MalformedException.class, () -> parse(ProxyHeaders.binary(1, 0x21, new byte[35])), "too short for its addresses");
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2})
  void fieldThatIsCutOff_isRefused(int length) {
    assertThrows(MalformedException.class, () -> parse(ProxyHeaders.version2(CLIENT, CALLED, new byte[length])));
  }

  @Test
  void checksumOfAnotherLength_isRefused() {
    assertThrows(MalformedException.class,
        () -> parse(ProxyHeaders.version2(CLIENT, CALLED, ProxyHeaders.field(3, new byte[3]))));
  }

  @Test
  void ipv4AddressInTheFormOfAnIpv6One_isTheIpv4Address() throws MalformedException {
    Found found = assertInstanceOf(Found.class, parse(line("PROXY TCP6 ::ffff:192.0.2.1 ::ffff:198.51.100.7 40001 21\r\n")));
    assertEquals(new ProxyHeader.Proxied(CLIENT, CALLED), found.header());
  }
}
