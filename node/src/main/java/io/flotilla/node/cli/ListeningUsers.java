package io.flotilla.node.cli;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.HexFormat;
import java.util.Optional;
import java.util.Set;

/**
 * Which users of this machine listen at a port, as Linux tells everybody (proc_net(5), {@code /proc/net/tcp}). A port of loopback that nobody has
 * taken is anybody's: who is there need not be the node whose settings name it.
 */
final class ListeningUsers {
  private static final String LISTENING = "0A";

  private ListeningUsers() {}

  /** @return the ids of users who listen there, at that address or at all; nothing if this system does not tell */
  static Optional<Set<Integer>> at(InetSocketAddress address) throws IOException {
    return at(address, Path.of("/proc/net"));
  }

  static Optional<Set<Integer>> at(InetSocketAddress address, Path tables) throws IOException {
    if (!Files.isReadable(tables.resolve("tcp"))) {
      return Optional.empty();
    }
    Set<Integer> users = new HashSet<>();
    for (String table : new String[] {"tcp", "tcp6"}) {
      if (!Files.isReadable(tables.resolve(table))) {
        continue;
      }
      for (String line : Files.readAllLines(tables.resolve(table))) {
        // sl, local address, remote address, state, queues, timer, retransmissions, user
        String[] fields = line.strip().split("\\s+");
        if (fields.length > 7 && fields[3].equals(LISTENING) && isAt(address, fields[1].split(":"))) {
          users.add(Integer.parseInt(fields[7]));
        }
      }
    }
    return Optional.of(users);
  }

  private static boolean isAt(InetSocketAddress address, String[] local) throws IOException {
    InetAddress bound = decode(local[0]);
    return Integer.parseInt(local[1], 16) == address.getPort() && (bound.isAnyLocalAddress() || bound.equals(address.getAddress()));
  }

  /** An address is written as numbers of 32 bits, each in the machine's order of bytes. */
  private static InetAddress decode(String text) throws IOException {
    ByteBuffer written = ByteBuffer.wrap(HexFormat.of().parseHex(text));
    ByteBuffer bytes = ByteBuffer.allocate(written.capacity()).order(ByteOrder.nativeOrder());
    while (written.hasRemaining()) {
      bytes.putInt(written.getInt());
    }
    return InetAddress.getByAddress(bytes.array());
  }
}
