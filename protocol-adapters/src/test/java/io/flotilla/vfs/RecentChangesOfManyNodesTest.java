package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** Nodes come and go, and so do storages. */
class RecentChangesOfManyNodesTest {
  private final AtomicLong nanos = new AtomicLong(1);
  private final Map<String, Duration> keep = new ConcurrentHashMap<>(Map.of("main", Duration.ofMinutes(10)));
  private final RecentChanges changes = new RecentChanges("node-0", storage -> keep.getOrDefault(storage, Duration.ZERO), () -> 1,
      nanos::get, new RecentChanges.Events() {
        @Override
        public void conflict(RecentChanges.Conflict conflict) {
          throw new AssertionError(conflict);
        }

        @Override
        public void forgotten(String node, int count) {
          throw new AssertionError(node);
        }
      });

  private static RecentChanges.Batch batch(UUID incarnation, String storage) throws VfsException {
    return new RecentChanges.Batch(new RecentChanges.Position(incarnation, 1), List.of(new RecentChanges.Aged(new RecentChange(
        1, 7, 0, storage, VirtualPath.parse("/a"), new Written(false, new Version(3, Instant.EPOCH), 0644), List.of()), Duration.ZERO)));
  }

  @Test
  void nodesThatAreNotListenedToAnyLonger_makeRoom_whenAllTheyToldIsOver() throws VfsException {
    for (int i = 1; i <= RecentChanges.MAX_NODES; i++) {
      assertTrue(changes.heard("node-" + i, batch(UUID.randomUUID(), "main")));
    }
    assertFalse(changes.heard("new", batch(UUID.randomUUID(), "main")));
    changes.keepOnly(Set.of("node-1"));
    assertFalse(changes.heard("new", batch(UUID.randomUUID(), "main")), "what they told still counts");
    nanos.addAndGet(Duration.ofMinutes(11).toNanos());
    changes.expire();
    changes.keepOnly(Set.of("node-1"));
    assertTrue(changes.heard("new", batch(UUID.randomUUID(), "main")));
    assertEquals(1, changes.heardOf("node-1").sequence());
    assertEquals(0, changes.heardOf("node-2").sequence());
  }

  @Test
  void whatIsToldAgain_addsWhatWasNotTaken_andBringsNothingBackThatHasArrived() throws VfsException {
    UUID incarnation = UUID.randomUUID();
    changes.heard("node-1", batch(incarnation, "main"));
    changes.settle(changes.expected("main", VirtualPath.parse("/a")).orElseThrow());
    changes.heard("node-1", batch(incarnation, "later"));
    assertTrue(changes.expected("later", VirtualPath.parse("/a")).isEmpty());
    keep.put("later", Duration.ofMinutes(10));
    changes.hearAnew("node-1");
    assertEquals(0, changes.heardOf("node-1").sequence());
    changes.heard("node-1", batch(incarnation, "main"));
    changes.heard("node-1", batch(incarnation, "later"));
    assertTrue(changes.expected("main", VirtualPath.parse("/a")).isEmpty());
    assertTrue(changes.expected("later", VirtualPath.parse("/a")).isPresent());
    assertEquals(7, changes.lastStamp());
  }
}
