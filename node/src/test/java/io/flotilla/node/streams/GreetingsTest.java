package io.flotilla.node.streams;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.InetAddress;
import java.net.Socket;
import java.net.UnknownHostException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class GreetingsTest {
  private final Greetings greetings = new Greetings(3);

  private static InetAddress address(int host) {
    try {
      return InetAddress.getByAddress(new byte[] {10, 0, 0, (byte) host});
    } catch (UnknownHostException e) {
      throw new AssertionError(e);
    }
  }

  private Optional<Socket> add(Socket connection, int host) {
    return greetings.add(connection, address(host));
  }

  @Test
  void addressWithMostConnections_losesItsOldest() {
    Socket node = new Socket();
    Socket first = new Socket();
    Socket second = new Socket();
    Socket other = new Socket();
    assertEquals(Optional.empty(), add(node, 1));
    assertEquals(Optional.empty(), add(first, 9));
    assertEquals(Optional.empty(), add(second, 9));

    assertEquals(Optional.of(first), add(other, 2));
    assertEquals(Optional.of(node), add(new Socket(), 9), "each has one, so the oldest of all");
    assertEquals(Optional.of(second), add(new Socket(), 9));
  }

  @Test
  void whoIsKnown_leavesItsPlace_andAfterTheEndNobodyGetsOne() {
    Socket known = new Socket();
    Socket waiting = new Socket();
    Socket late = new Socket();
    add(known, 1);
    add(waiting, 1);
    greetings.remove(known);

    assertEquals(Optional.empty(), add(new Socket(), 1));
    assertEquals(Optional.empty(), add(new Socket(), 1));
    assertEquals(Optional.of(waiting), add(new Socket(), 1));
    assertEquals(3, greetings.close().size());
    assertEquals(Optional.of(late), add(late, 1));
    assertEquals(List.of(), greetings.close().stream().filter(late::equals).toList());
  }
}
