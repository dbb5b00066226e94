package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.admin.Journal;
import java.util.List;
import java.util.OptionalLong;
import org.junit.jupiter.api.Test;

/** A Raft log that grows because a voter is away. */
class LogGrowthTest {
  private static final long MIB = 1 << 20;

  @Test
  void largeLog_isTold_once_andAgainWhenItHasDoubled() {
    LogGrowth growth = new LogGrowth();

    assertFalse(growth.observe(256 * MIB, 10 * MIB).isPresent());
    assertTrue(growth.observe(300 * MIB, 10 * MIB).orElseThrow().contains("takes 300 MiB"));
    assertFalse(growth.observe(599 * MIB, 10 * MIB).isPresent());
    assertTrue(growth.observe(600 * MIB, 10 * MIB).isPresent());
    assertFalse(growth.observe(20 * MIB, 10 * MIB).isPresent(), "it was cut");
    assertTrue(growth.observe(300 * MIB, 10 * MIB).isPresent());
  }

  @Test
  void largeConfiguration_mayHaveALargeLog() {
    assertFalse(Journal.isLargeLog(800 * MIB, 200 * MIB));
    assertTrue(Journal.isLargeLog(801 * MIB, 200 * MIB));
  }

  @Test
  void status_namesTheLogs_andWhoIsAway() {
    Journal.Voter there = voter("node-1", true, 300 * MIB);
    Journal.Voter small = voter("node-2", true, 3 * MIB);
    Journal.Voter away = new Journal.Voter("", "127.0.0.3:2", false, OptionalLong.empty(), OptionalLong.empty());

    assertEquals("", EmbeddedJournal.trouble(List.of(small)));
    assertTrue(EmbeddedJournal.trouble(List.of(there, small)).startsWith("Raft logs that are far too large: node-1 (300 MiB); "));
    String both = EmbeddedJournal.trouble(List.of(there, small, away));
    assertTrue(both.startsWith("voters that do not answer: 127.0.0.3:2; "), both);
    assertTrue(both.contains(". Raft logs that are far too large: node-1 (300 MiB); "), both);
  }

  private static Journal.Voter voter(String node, boolean reachable, long logBytes) {
    return new Journal.Voter(node, "127.0.0.1:2", reachable, OptionalLong.of(logBytes), OptionalLong.of(MIB));
  }
}
