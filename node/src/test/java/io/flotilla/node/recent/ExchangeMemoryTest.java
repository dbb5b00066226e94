package io.flotilla.node.recent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.node.HostPort;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ExchangeMemoryTest {
  private static final Map<String, HostPort> NODES = Map.of("node-2", new HostPort("10.0.0.2", 7355), "node-3", new HostPort("::1", 7355));
  private static final long LONG_AGO = 1_000_000;

  @TempDir private Path directory;

  private Path file() {
    return directory.resolve("recent-changes");
  }

  @Test
  void whatWasKept_isThereAgain() {
    ExchangeMemory first = ExchangeMemory.open(file());
    assertTrue(first.isNew());
    first.keep(NODES, 5_000);

    ExchangeMemory again = ExchangeMemory.open(file());

    assertFalse(again.isNew());
    assertEquals(NODES, again.nodes());
    assertTrue(again.firstStamp() >= 5_000);
    first.close(7_000);
    assertEquals(7_000, ExchangeMemory.open(file()).firstStamp());
  }

  @Test
  void nodeThatIsAlone_knowsThatAtItsNextStart() {
    ExchangeMemory.open(file()).keep(Map.of(), 0);
    assertFalse(ExchangeMemory.open(file()).isNew());
  }

  @Test
  void stampOnDisk_isAlwaysAhead_andSeldomWritten() throws IOException {
    ExchangeMemory memory = ExchangeMemory.open(file());
    long stamp = LONG_AGO;
    int writes = 0;
    for (int seconds = 0; seconds < 300; seconds++) {
      stamp += 1_000_000;
      memory.keep(NODES, stamp);
      assertTrue(ExchangeMemory.open(file()).firstStamp() >= stamp + ExchangeMemory.AHEAD_MICROS / 2);
      FileTime modified = Files.getLastModifiedTime(file());
      writes += modified.toMillis() == LONG_AGO ? 0 : 1;
      Files.setLastModifiedTime(file(), FileTime.fromMillis(LONG_AGO));
    }
    assertTrue(writes <= 11, "written " + writes + " times in five minutes");
  }

  @Test
  void stampThatWasKept_staysIfNoneIsMade() {
    ExchangeMemory.open(file()).keep(NODES, 5_000);
    long kept = ExchangeMemory.open(file()).firstStamp();
    ExchangeMemory again = ExchangeMemory.open(file());
    again.keep(Map.of(), 0);
    again.close(0);
    assertEquals(kept, ExchangeMemory.open(file()).firstStamp());
  }

  @Test
  void damagedFile_isAsGoodAsNone_andMadeAnew() throws IOException {
    for (String damaged : List.of("stamp x\n", "stamp -1\n", "stamp " + Long.MAX_VALUE + "\n", "node node-2 nowhere\n", "\u0000\u0000",
        "stamp 1\n".repeat(100_000))) {
      Files.writeString(file(), damaged);
      ExchangeMemory memory = ExchangeMemory.open(file());
      assertTrue(memory.isNew(), damaged);
      assertEquals(0, memory.firstStamp());
      memory.keep(NODES, 10);
      assertEquals(NODES, ExchangeMemory.open(file()).nodes());
    }
  }
}
