package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

class SftpParserTest {
  @Property(tries = 5000)
  void parse_garbage_isARequestOrTheDeclaredException(@ForAll("packets") byte[] packet) {
    try {
      SftpParser.parse(packet, packet.length);
    } catch (SftpProtocolException e) {
      assertTrue(e.getMessage().startsWith("a "), e.getMessage());
    }
  }

  /** Mostly a real type and plausible fields, for bytes at random are refused at the first length. */
  @Provide
  Arbitrary<byte[]> packets() {
    Arbitrary<byte[]> field = Arbitraries.oneOf(
        Arbitraries.bytes().array(byte[].class).ofMaxSize(12),
        Arbitraries.strings().ofMaxLength(20).map(text -> string(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))),
        Arbitraries.of("posix-rename@openssh.com", "limits@openssh.com", "fsync@openssh.com", "?").map(
            text -> string(text.getBytes(java.nio.charset.StandardCharsets.UTF_8))),
        Arbitraries.integers().map(i -> ByteBuffer.allocate(4).putInt(i).array()));
    Arbitrary<Byte> type = Arbitraries.oneOf(Arbitraries.bytes().between((byte) 1, (byte) 20),
        Arbitraries.of((byte) 200), Arbitraries.bytes());
    return Combinators.combine(type, field.list().ofMaxSize(8)).as((first, fields) -> {
      ByteArrayOutputStream out = new ByteArrayOutputStream();
      out.write(first);
      out.writeBytes(new byte[] {0, 0, 0, 7});
      fields.forEach(out::writeBytes);
      return out.toByteArray();
    });
  }

  @Test
  void parse_lengthsBeyondThePacket_areRefused() {
    for (int length : new int[] {5, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
      byte[] packet = ByteBuffer.allocate(13).put((byte) Sftp.STAT).putInt(1).putInt(length).putInt(0).array();
      assertThrows(SftpProtocolException.class, () -> SftpParser.parse(packet, packet.length));
    }
    assertThrows(SftpProtocolException.class, () -> SftpParser.parse(new byte[0], 0));
    byte[] manyAttributes = ByteBuffer.allocate(17).put((byte) Sftp.FSETSTAT).putInt(1).putInt(0)
        .putInt(Sftp.ATTR_EXTENDED).putInt(Integer.MAX_VALUE).array();
    assertThrows(SftpProtocolException.class, () -> SftpParser.parse(manyAttributes, manyAttributes.length));
  }

  @Test
  void parse_aWrite_seesTheDataInPlace() throws SftpProtocolException {
    byte[] packet = ByteBuffer.allocate(32).put((byte) Sftp.WRITE).putInt(9).putInt(4).putInt(3).putLong(77)
        .putInt(5).put("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8)).array();
    SftpRequest.Write write = (SftpRequest.Write) SftpParser.parse(packet, 30);
    byte[] data = new byte[write.data().remaining()];
    write.data().get(data);
    assertEquals(9, write.id());
    assertEquals(3, write.handle());
    assertEquals(77, write.offset());
    assertArrayEquals("hello".getBytes(java.nio.charset.StandardCharsets.UTF_8), data);
  }

  @Property(tries = 300)
  void packets_cutAnywhere_areAssembledTheSame(@ForAll @Size(max = 20) List<@IntRange(min = 1, max = 70_000) Integer> sizes,
      @ForAll @IntRange(min = 1, max = 40_000) int piece) throws InterruptedException {
    InboundPackets packets = new InboundPackets(Long.MAX_VALUE);
    ByteArrayOutputStream stream = new ByteArrayOutputStream();
    for (int size : sizes) {
      byte[] packet = new byte[size];
      Arrays.fill(packet, (byte) size);
      stream.writeBytes(string(packet));
    }
    byte[] bytes = stream.toByteArray();
    List<Integer> seen = new ArrayList<>();
    for (int at = 0; at < bytes.length; at += piece) {
      assertTrue(packets.feed(bytes, at, Math.min(piece, bytes.length - at)));
    }
    packets.end();
    for (InboundPackets.Packet packet = packets.take(); packet != null; packet = packets.take()) {
      seen.add(packet.length());
      assertEquals((byte) packet.length(), packet.bytes()[packet.length() - 1]);
      packets.recycle(packet);
    }
    assertEquals(sizes, seen);
  }

  @Test
  void packets_withLengthsOutOfBounds_endTheStream() throws InterruptedException {
    for (int length : new int[] {0, -1, Sftp.MAX_INCOMING + 1, Integer.MAX_VALUE, Integer.MIN_VALUE}) {
      InboundPackets packets = new InboundPackets(1000);
      byte[] bytes = ByteBuffer.allocate(8).putInt(length).array();
      assertTrue(!packets.feed(bytes, 0, 8) && !packets.feed(bytes, 0, 8));
      assertEquals(null, packets.take());
      assertTrue(packets.problem().contains("length"));
    }
    InboundPackets flooded = new InboundPackets(10);
    byte[] two = ByteBuffer.allocate(16).putInt(4).putInt(0).putInt(4).putInt(0).array();
    assertTrue(!flooded.feed(two, 0, 16));
    assertTrue(flooded.problem().contains("window"));
  }

  private static byte[] string(byte[] bytes) {
    return ByteBuffer.allocate(4 + bytes.length).putInt(bytes.length).put(bytes).array();
  }
}
