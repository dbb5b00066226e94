package io.flotilla.http.sessions;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

/** The records of one session become one, whoever hears of which first. */
class SessionRecordTest {
  private static final SessionRecord BEGUN =
      new SessionRecord("id", "ann", "fingerprint", SessionRecord.Use.COOKIE, "node-1", "192.0.2.1", 1_000, 50_000, 1_000, false);

  @Provide
  Arbitrary<SessionRecord> records() {
    return Arbitraries.longs().between(0, 10).flatMap(used -> Arbitraries.of(true, false)
        .map(ended -> ended ? BEGUN.used(1_000 + used).end() : BEGUN.used(1_000 + used)));
  }

  @Property
  void merge_isTheSameInAnyOrder(@ForAll("records") SessionRecord a, @ForAll("records") SessionRecord b, @ForAll("records") SessionRecord c) {
    assertEquals(a.merge(b), b.merge(a));
    assertEquals(a.merge(b).merge(c), a.merge(b.merge(c)));
    assertEquals(a, a.merge(a));
  }

  @Property
  void merge_keepsTheEnd_andTheNewestUse(@ForAll("records") SessionRecord a, @ForAll("records") SessionRecord b) {
    SessionRecord merged = a.merge(b);
    assertEquals(a.ended() || b.ended(), merged.ended());
    assertEquals(Math.max(a.lastUsed(), b.lastUsed()), merged.lastUsed());
  }

  @Property(tries = 50)
  void secrets_areAllDifferent_andTheirTokensBelongToThemOnly() {
    List<SessionSecret> two = List.of(SessionSecret.generate(), SessionSecret.generate());
    assertEquals(2, two.stream().map(SessionSecret::id).distinct().count());
    assertTrue(two.getFirst().isCsrfToken(two.getFirst().csrfToken()));
    assertEquals(two.getFirst(), SessionSecret.parse(two.getFirst().text()).orElseThrow());
    assertEquals(false, two.getFirst().isCsrfToken(two.getLast().csrfToken()));
    assertEquals(false, two.getFirst().toString().contains(two.getFirst().text()));
  }
}
