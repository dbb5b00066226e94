package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import java.nio.charset.StandardCharsets;
import java.time.Clock;
import java.util.List;
import org.junit.jupiter.api.Test;

/** What a node tells others of its connections has to go into a message, whatever clients call their files. */
class ConnectionDeskTest {
  private static final int FRAME = 256 * 1024;

  private final LiveConnections connections = new LiveConnections(Clock.systemUTC());

  private void transfer(String user, String path) {
    connections.open("sftp", user, "192.0.2.1", reason -> { })
        .began(new LiveConnections.CurrentTransfer(path, ClientEvent.Direction.UPLOAD));
  }

  private static int bytes(List<ConnectionDesk.OneConnection> found) {
    return found.stream().mapToInt(one -> one.path().getBytes(StandardCharsets.UTF_8).length).sum();
  }

  /** Bytes that are no UTF-8 are lone surrogates in a path. */
  @Test
  void nameThatIsNoUnicode_andControlCharacters_becomeWhatCanBeSentAndShown() {
    transfer("ann", "/caf\udce9/\u001b[2J\u202e.txt");
    String path = ConnectionDesk.find(connections, "", "").connections().getFirst().path();
    assertEquals("/caf?/?[2J?.txt", path);
    assertEquals(path, new String(path.getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8));
  }

  @Test
  void longPath_isCut_butNotWithinACharacter() {
    transfer("ann", "/" + "x".repeat(298) + "\ud83d\ude00" + "y".repeat(100));
    assertEquals("/" + "x".repeat(298) + "...", ConnectionDesk.find(connections, "", "").connections().getFirst().path());
  }

  @Test
  void whatDoesNotFitIntoAMessage_isLeftOut_andThatIsSaid() {
    for (int i = 0; i < 400; i++) {
      transfer("user-" + i, "/" + "\u65e5".repeat(299));
    }
    ConnectionDesk.ConnectionsFound found = ConnectionDesk.find(connections, "", "");
    assertTrue(found.more());
    assertTrue(found.connections().size() > 100 && bytes(found.connections()) < FRAME, () -> found.connections().size() + " found");
    assertEquals("user-0", found.connections().getFirst().user());
    assertFalse(ConnectionDesk.find(connections, "user-399", "").more());
    assertEquals(0, ConnectionDesk.find(connections, "", "ftp").connections().size());
  }
}
