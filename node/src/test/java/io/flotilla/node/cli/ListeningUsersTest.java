package io.flotilla.node.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.net.InetSocketAddress;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledIf;
import org.junit.jupiter.api.io.TempDir;

/** Who listens, by tables of the kernel as a machine with little-endian numbers writes them. */
@EnabledIf("isLittleEndian")
class ListeningUsersTest {
  private static final String HEAD = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
  @TempDir private Path tables;

  static boolean isLittleEndian() {
    return ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN;
  }

  private static String row(String local, String state, int user) {
    return "   0: " + local + " 00000000:0000 " + state + " 00000000:00000000 00:00000000 00000000 " + user + "        0 1 1 0 100 0 0 10 0\n";
  }

  private Set<Integer> at(String host, int port) throws IOException {
    return ListeningUsers.at(new InetSocketAddress(host, port), tables).orElseThrow();
  }

  @Test
  void at_addressOrAllAddresses_ofBothFamilies() throws IOException {
    assertEquals(Optional.empty(), ListeningUsers.at(new InetSocketAddress("127.0.0.1", 1), tables));
    Files.writeString(tables.resolve("tcp"), HEAD + row("0100007F:4E20", "0A", 101) + row("0200007F:4E20", "0A", 102)
        + row("0100007F:4E20", "01", 103) + row("00000000:4E21", "0A", 104));
    Files.writeString(tables.resolve("tcp6"), HEAD + row("0000000000000000FFFF00000100007F:4E20", "0A", 105)
        + row("00000000000000000000000000000000:4E21", "0A", 106) + row("00000000000000000000000001000000:4E22", "0A", 107));
    assertEquals(Set.of(101, 105), at("127.0.0.1", 20000));
    assertEquals(Set.of(102), at("127.0.0.2", 20000));
    assertEquals(Set.of(104, 106), at("127.0.0.1", 20001));
    assertEquals(Set.of(107), at("::1", 20002));
    assertEquals(Set.of(), at("127.0.0.1", 20002));
  }
}
