package io.flotilla.transport;

import java.io.ByteArrayOutputStream;
import java.net.Inet4Address;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32C;

/** What proxies send. */
public final class ProxyHeaders {
  /** Of a health check. */
  public static final byte[] LOCAL = binary(0, 0, new byte[0]);
  private static final int CHECKSUM = 3;

  private ProxyHeaders() {}

  public static byte[] version1(String client, String called) {
    return version1(new InetSocketAddress(client, 40_001), new InetSocketAddress(called, 21));
  }

  public static byte[] version1(InetSocketAddress client, InetSocketAddress called) {
    return ("PROXY TCP" + (client.getAddress() instanceof Inet4Address ? 4 : 6) + " " + client.getAddress().getHostAddress() + " "
        + called.getAddress().getHostAddress() + " " + client.getPort() + " " + called.getPort() + "\r\n")
        .getBytes(StandardCharsets.US_ASCII);
  }

  public static byte[] version2(String client, String called) {
    return version2(new InetSocketAddress(client, 40_001), new InetSocketAddress(called, 21), new byte[0]);
  }

  /** @param fields what follows the addresses */
  public static byte[] version2(InetSocketAddress client, InetSocketAddress called, byte[] fields) {
    byte[] from = client.getAddress().getAddress();
    byte[] to = called.getAddress().getAddress();
    byte[] body = ByteBuffer.allocate(from.length + to.length + 4 + fields.length).put(from).put(to)
        .putShort((short) client.getPort()).putShort((short) called.getPort()).put(fields).array();
    return binary(1, from.length == 4 ? 0x11 : 0x21, body);
  }

  /** A header of version 2, whatever is in it. */
  static byte[] binary(int command, int family, byte[] body) {
    return ByteBuffer.allocate(16 + body.length).put(new byte[] {'\r', '\n', '\r', '\n', 0, '\r', '\n', 'Q', 'U', 'I', 'T', '\n'})
        .put((byte) (0x20 | command)).put((byte) family).putShort((short) body.length).put(body).array();
  }

  static byte[] field(int type, byte[] value) {
    return ByteBuffer.allocate(3 + value.length).put((byte) type).putShort((short) value.length).put(value).array();
  }

  /** A header whose fields are followed by a checksum of it all. */
  static byte[] summed(InetSocketAddress client, InetSocketAddress called, byte[] fields) {
    byte[] header = version2(client, called, joined(fields, field(CHECKSUM, new byte[4])));
    CRC32C sum = new CRC32C();
    sum.update(header);
    ByteBuffer.wrap(header).putInt(header.length - 4, (int) sum.getValue());
    return header;
  }

  public static byte[] joined(byte[]... parts) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      all.writeBytes(part);
    }
    return all.toByteArray();
  }
}
