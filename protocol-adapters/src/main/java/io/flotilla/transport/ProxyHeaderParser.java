package io.flotilla.transport;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.zip.CRC32C;

/**
 * Reads the header of the PROXY protocol, version 1 and 2 ("The PROXY protocol, versions 1 &amp; 2", HAProxy), of at most
 * {@value #MAX_BYTES} bytes. Stateless; it is given all that has come so far each time.
 */
public final class ProxyHeaderParser {
  /** With whatever fields a proxy adds to the addresses. */
  public static final int MAX_BYTES = 4096;
  private static final byte[] SIGNATURE_1 = "PROXY ".getBytes(StandardCharsets.US_ASCII);
  private static final byte[] SIGNATURE_2 = {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'};
  /** The shortest line, for a client that is not known. */
  private static final int MIN_LINE = "PROXY UNKNOWN\r\n".length();
  private static final int MAX_LINE = 107;
  private static final int FIXED_BYTES = 16;
  private static final int VERSION_2 = 2;
  private static final int LOCAL = 0;
  private static final int PROXY = 1;
  private static final int CHECKSUM_TYPE = 3;
  private static final Pattern LINE =
      Pattern.compile("PROXY TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+) (0|[1-9][0-9]{0,4}) (0|[1-9][0-9]{0,4})");
  private static final Pattern UNKNOWN = Pattern.compile("PROXY UNKNOWN( .*)?");
  private static final Pattern IPV4 = Pattern.compile("(0|[1-9][0-9]{0,2})(\\.(0|[1-9][0-9]{0,2})){3}");

  private ProxyHeaderParser() {}

  /** What the bytes begin with. */
  public sealed interface Outcome {}

  /** @param length of the header in bytes; what follows is the client's */
  public record Found(ProxyHeader header, int length) implements Outcome {}

  /** @param least how many more bytes there have to be to go on; so many are the header's, if it is one */
  public record Incomplete(int least) implements Outcome {}

  /** There is no header. */
  public record Absent() implements Outcome {}

  /** A header that breaks the protocol's rules; the message says how. */
  public static final class MalformedException extends IOException {
    MalformedException(String message) {
      super(message);
    }
  }

  /** @param bytes from its position to its limit, which stay as they are */
  public static Outcome parse(ByteBuffer bytes) throws MalformedException {
    if (startsLike(bytes, SIGNATURE_1)) {
      return line(bytes);
    }
    return startsLike(bytes, SIGNATURE_2) ? binary(bytes) : new Absent();
  }

  /** Whether the bytes and the signature are the same as far as there are both. */
  private static boolean startsLike(ByteBuffer bytes, byte[] signature) {
    for (int i = 0; i < signature.length && i < bytes.remaining(); i++) {
      if (bytes.get(bytes.position() + i) != signature[i]) {
        return false;
      }
    }
    return true;
  }

  private static Outcome line(ByteBuffer bytes) throws MalformedException {
    int count = Math.min(bytes.remaining(), MAX_LINE);
    for (int i = 1; i < count; i++) {
      if (bytes.get(bytes.position() + i) == '\n') {
        byte[] line = new byte[i + 1];
        bytes.get(bytes.position(), line);
        return new Found(addresses(new String(line, StandardCharsets.ISO_8859_1)), i + 1);
      }
    }
    if (count == MAX_LINE) {
      throw new MalformedException("the line is longer than " + MAX_LINE + " bytes");
    }
    return new Incomplete(Math.max(1, MIN_LINE - count));
  }

  private static ProxyHeader addresses(String line) throws MalformedException {
    if (!line.endsWith("\r\n")) {
      throw new MalformedException("the line does not end with CR and LF");
    }
    String text = line.substring(0, line.length() - 2);
    if (UNKNOWN.matcher(text).matches()) {
      return new ProxyHeader.Unknown();
    }
    Matcher matcher = LINE.matcher(text);
    if (!matcher.matches()) {
      throw new MalformedException("the line is none of TCP4, TCP6 or UNKNOWN");
    }
    boolean isVersion6 = matcher.group(1).equals("6");
    return new ProxyHeader.Proxied(new InetSocketAddress(address(matcher.group(2), isVersion6), port(matcher.group(4))),
        new InetSocketAddress(address(matcher.group(3), isVersion6), port(matcher.group(5))));
  }

  private static InetAddress address(String text, boolean isVersion6) throws MalformedException {
    try {
      if (isVersion6 ? text.contains(":") : IPV4.matcher(text).matches()) {
        return InetAddress.ofLiteral(text);
      }
    } catch (IllegalArgumentException e) {
      // told below
    }
    throw new MalformedException("'" + text + "' is no address of IPv" + (isVersion6 ? 6 : 4));
  }

  private static int port(String text) throws MalformedException {
    int port = Integer.parseInt(text);
    if (port > 65_535) {
      throw new MalformedException("there is no port " + port);
    }
    return port;
  }

  private static Outcome binary(ByteBuffer bytes) throws MalformedException {
    int count = bytes.remaining();
    if (count < FIXED_BYTES) {
      return new Incomplete(FIXED_BYTES - count);
    }
    int start = bytes.position();
    int version = bytes.get(start + 12) >> 4 & 0xf;
    int command = bytes.get(start + 12) & 0xf;
    int family = bytes.get(start + 13) >> 4 & 0xf;
    int transport = bytes.get(start + 13) & 0xf;
    int length = FIXED_BYTES + (bytes.getShort(start + 14) & 0xffff);
    if (version != VERSION_2 || command != LOCAL && command != PROXY) {
      throw new MalformedException("it has version " + version + " and command " + command + ", which are not known");
    }
    if (length > MAX_BYTES) {
      throw new MalformedException("it is longer than " + MAX_BYTES + " bytes");
    }
    if (count < length) {
      return new Incomplete(length - count);
    }
    byte[] header = new byte[length];
    bytes.get(start, header);
    return new Found(command == LOCAL ? new ProxyHeader.Check() : proxied(header, family, transport), length);
  }

  private static ProxyHeader proxied(byte[] header, int family, int transport) throws MalformedException {
    return switch (family << 4 | transport) {
      case 0x11 -> proxied(header, 4);
      case 0x21 -> proxied(header, 16);
      case 0x00, 0x31 -> new ProxyHeader.Unknown(); // a client that is not known, or on the proxy's machine
      default -> throw new MalformedException("it is not about TCP: family " + family + ", transport " + transport);
    };
  }

  /** @param bytes of an address */
  private static ProxyHeader proxied(byte[] header, int bytes) throws MalformedException {
    int end = FIXED_BYTES + 2 * bytes + 4;
    if (header.length < end) {
      throw new MalformedException("it is too short for its addresses");
    }
    checkFields(header, end);
    int ports = FIXED_BYTES + 2 * bytes;
    return new ProxyHeader.Proxied(
        place(header, FIXED_BYTES, bytes, ports), place(header, FIXED_BYTES + bytes, bytes, ports + Short.BYTES));
  }

  private static InetSocketAddress place(byte[] header, int at, int bytes, int portAt) {
    try {
      return new InetSocketAddress(InetAddress.getByAddress(Arrays.copyOfRange(header, at, at + bytes)),
          ByteBuffer.wrap(header).getShort(portAt) & 0xffff);
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an address has 4 or 16 bytes", e);
    }
  }

  /** What follows the addresses: types, lengths and values, of which only a checksum matters here. */
  private static void checkFields(byte[] header, int from) throws MalformedException {
    ByteBuffer view = ByteBuffer.wrap(header);
    for (int at = from; at < header.length; ) {
      if (header.length - at < 3) {
        throw new MalformedException("a field is cut off");
      }
      int length = view.getShort(at + 1) & 0xffff;
      int next = at + 3 + length;
      if (next > header.length) {
        throw new MalformedException("a field is longer than the header");
      }
      if (header[at] == CHECKSUM_TYPE) {
        checkSum(header, at + 3, length);
      }
      at = next;
    }
  }

  private static void checkSum(byte[] header, int at, int length) throws MalformedException {
    if (length != Integer.BYTES) {
      throw new MalformedException("a checksum has 4 bytes");
    }
    int told = ByteBuffer.wrap(header).getInt(at);
    byte[] counted = header.clone();
    Arrays.fill(counted, at, at + length, (byte) 0);
    CRC32C sum = new CRC32C();
    sum.update(counted);
    if ((int) sum.getValue() != told) {
      throw new MalformedException("its checksum is wrong");
    }
  }
}
