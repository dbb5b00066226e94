package io.flotilla.http.dav;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.claim.event.Claim;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

/** What a node knows of locks, however news and readings overtake each other. */
class LocksTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 5);
  private final Locks locks = new Locks(nanos::get);

  private static Lock lock(String user, boolean isDeep, String... names) {
    return new Lock(UUID.randomUUID().toString(), LockPlace.of("main", List.of(names)), true, isDeep, user, "", 1, 60_000);
  }

  private boolean isKnown(Lock lock) {
    return locks.find(lock.token()).isPresent();
  }

  @Test
  void reading_bringsWhatWasNotHeard_andDropsWhatIsNoMore() {
    Lock heardBefore = lock("ann", true, "a");
    Lock lost = lock("ann", true, "b");
    Lock heardMeanwhile = lock("ann", true, "c");
    Lock unheard = lock("ann", true, "d");
    locks.holds(heardBefore, MINUTE);
    locks.holds(lost, MINUTE);
    nanos.addAndGet(10);
    long since = locks.now();
    locks.holds(heardMeanwhile, MINUTE);
    assertEquals(List.of(), locks.read(since, Map.of(heardBefore.toClaim(), 30_000L, unheard.toClaim(), 40_000L)));
    assertTrue(isKnown(heardBefore) && isKnown(heardMeanwhile) && isKnown(unheard));
    assertFalse(isKnown(lost));
    assertEquals(Duration.ofSeconds(30), locks.remaining(heardBefore));
  }

  @Test
  void whatIsGone_staysGone_andItsClaimIsToBeReleased() {
    Lock lock = lock("ann", true, "a");
    long since = locks.now();
    locks.holds(lock, MINUTE);
    locks.gone(List.of(lock.token()));
    assertEquals(List.of(lock.toClaim()), locks.read(since, Map.of(lock.toClaim(), 30_000L)));
    locks.holds(lock, MINUTE);
    assertFalse(isKnown(lock));
    assertTrue(locks.isEmpty());
  }

  @Test
  void aRefreshThatIsHeard_isNotTakenBackByAnOlderReading() {
    Lock lock = lock("ann", true, "a");
    long since = locks.now();
    locks.holds(lock, MINUTE);
    locks.read(since, Map.of(lock.toClaim(), 1_000L));
    assertEquals(MINUTE, locks.remaining(lock));
  }

  @Test
  void time_runsOut_andMakesRoom() {
    for (int i = 0; i < Locks.MAX_OF_USER; i++) {
      locks.holds(lock("ann", true, "f" + i), MINUTE);
    }
    assertFalse(locks.hasRoomFor("ann"));
    assertTrue(locks.hasRoomFor("bob"));
    nanos.addAndGet(MINUTE.toNanos());
    assertEquals(List.of(), locks.covering(LockPlace.of("main", List.of("f1"))));
    assertTrue(locks.hasRoomFor("ann"));
    assertTrue(locks.isEmpty());
  }

  @Test
  void table_isBounded() {
    Map<Claim, Long> all = new HashMap<>();
    for (int i = 0; i < Locks.MAX_LOCKS + 10; i++) {
      all.put(lock("user" + i, true, "f" + i).toClaim(), 30_000L);
    }
    locks.read(locks.now(), all);
    assertFalse(locks.hasRoomFor("ann"));
  }

  @Test
  void places_areToldApart_byWholeNames() {
    locks.holds(lock("ann", true, "a", "b"), MINUTE);
    assertEquals(1, locks.covering(LockPlace.of("main", List.of("a", "b", "c"))).size());
    assertEquals(0, locks.covering(LockPlace.of("main", List.of("a", "bc"))).size());
    assertEquals(0, locks.covering(LockPlace.of("main", List.of("a"))).size());
    assertEquals(0, locks.covering(LockPlace.of("other", List.of("a", "b"))).size());
    assertEquals(1, locks.beneath(LockPlace.of("main", List.of())).size());
    assertEquals(0, locks.beneath(LockPlace.of("main", List.of("a", "b"))).size());
    assertEquals(1, locks.at(LockPlace.of("main", List.of("a", "b"))).size());
  }
}
