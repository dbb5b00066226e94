package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.TestTransfers;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OutgoingFileTest {
  private static final int SIZE = 3_000_000;

  @TempDir private Path directory;
  private final List<ClientEvent> events = new ArrayList<>();

  private OutgoingFile file() throws IOException {
    Files.write(directory.resolve("a"), new byte[SIZE]);
    VirtualPath path = VirtualPath.parse("/a");
    return new OutgoingFile(VirtualFileSystem.open(directory).open(path, OpenMode.READ, 0), 0, SIZE,
        TestTransfers.of(new LiveConnections(Clock.systemUTC()).open("http", "ann", "192.0.2.1", _ -> { }), "http", events::add)
            .began(path, ClientEvent.Direction.DOWNLOAD));
  }

  private boolean send(OutgoingFile file, ByteString bytes) throws IOException {
    return file.send(bytes, (_, _, count) -> count, _ -> { });
  }

  @Test
  void standIns_areSentInTheirOrder_andOtherBytesAreNone() throws Exception {
    OutgoingFile file = file();
    assertFalse(send(file, ByteString.fromString("head")));
    while (!file.isHandedOut()) {
      assertTrue(send(file, file.next()));
    }
    assertTrue(file.isEnded());
    assertFalse(send(file, ByteString.fromString("next head")));
    assertEquals(ClientEvent.Outcome.COMPLETED, ((ClientEvent.TransferFinished) events.getFirst()).outcome());
    assertEquals(1, events.size());
  }

  @Test
  void whatComesInPlaceOfAStandIn_orForAFileThatWasGivenUp_isNeverSent() throws Exception {
    OutgoingFile file = file();
    ByteString standIn = file.next();
    assertThrows(IOException.class, () -> send(file, ByteString.fromString("other")));
    file.giveUp();
    assertThrows(IOException.class, () -> send(file, standIn));
    assertThrows(IOException.class, () -> send(file, ByteString.fromString("other")));
  }
}
