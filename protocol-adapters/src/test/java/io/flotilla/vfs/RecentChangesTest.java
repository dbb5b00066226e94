package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTimeoutPreemptively;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Draft;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RecentChangesTest {
  private static final Duration KEPT = Duration.ofMinutes(10);

  private long now;
  private Duration keep = KEPT;

  /** A node's registry, with what it told its operator. */
  private final class Node implements RecentChanges.Events {
    private final String name;
    private final RecentChanges changes;
    private final List<RecentChanges.Conflict> conflicts = new ArrayList<>();
    private int forgotten;
    private long micros = 1_000_000_000_000L;

    Node(String name) {
      this.name = name;
      this.changes = new RecentChanges(name, storage -> storage.equals("off") ? Duration.ZERO : keep,
          () -> now / 1000 + micros, () -> now, this);
    }

    @Override
    public void conflict(RecentChanges.Conflict conflict) {
      assertTimeoutPreemptively(Duration.ofSeconds(30), changes::position, "nobody waits for what is written to a log");
      conflicts.add(conflict);
    }

    @Override
    public void forgotten(String node, int count) {
      forgotten += count;
    }

    /** Over whatever is shown. */
    void write(String path, long size) {
      changes.made("main", List.of(new Draft(path(path), written(size), Optional.empty(), changes.expected("main", path(path)))), Long.MAX_VALUE);
    }

    /** Over what is here. */
    void writeHere(String path, long here, long size) {
      changes.made("main", List.of(new Draft(path(path), written(size), Optional.of(version(here)), Optional.empty())), Long.MAX_VALUE);
    }

    void remove(String path, long size) {
      changes.made("main", List.of(new Draft(path(path), new Removed(false, version(size)))), Long.MAX_VALUE);
    }

    /** Hears all that another one has to tell. */
    void hear(Node other) {
      try {
        Batch batch;
        do {
          batch = other.changes.after(changes.heardOf(other.name), 100, Duration.ZERO);
          changes.heard(other.name, batch);
        } while (!batch.changes().isEmpty());
      } catch (InterruptedException e) {
        throw new AssertionError(e);
      }
    }

    RecentChange.State expected(String path) {
      return changes.expected("main", path(path)).map(RecentChanges.Known::state).orElse(null);
    }

    List<Version> replaced(String path) {
      return changes.expected("main", path(path)).orElseThrow().change().replaced();
    }
  }

  private final Node one = new Node("node-1");
  private final Node two = new Node("node-2");
  private final Node three = new Node("node-3");

  private static VirtualPath path(String text) {
    try {
      return VirtualPath.parse(text);
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  private static Version version(long size) {
    return new Version(size, Instant.ofEpochSecond(1_000_000 + size));
  }

  private static Written written(long size) {
    return new Written(false, version(size), 0644);
  }

  private void pass(Duration time) {
    now += time.toNanos();
  }

  @Test
  void change_isHeardByOthers_andIsNotExpectedWhereItWasMade() {
    one.write("/d/a", 1);
    two.hear(one);
    assertEquals(written(1), two.expected("/d/a"));
    assertEquals(null, one.expected("/d/a"));
    assertTrue(two.changes.hasForeign("main"));
    assertFalse(one.changes.hasForeign("main"));
    assertEquals(List.of(path("/d")), List.copyOf(two.changes.changedIn("main", VirtualPath.ROOT)));
    assertEquals(1, two.changes.writtenBeneath("main", path("/d"), 10).size());
  }

  @Test
  void change_ofThePathByThisNode_endsWhatWasExpected() {
    one.write("/d/a", 1);
    two.hear(one);
    pass(Duration.ofSeconds(1));
    two.write("/d/a", 2);
    assertEquals(null, two.expected("/d/a"));
    assertFalse(two.changes.hasForeign("main"));
    assertEquals(List.of(), List.copyOf(two.changes.changedIn("main", VirtualPath.ROOT)));
  }

  @Test
  void changes_runOutAfterTheirTime_sinceTheyWereMade() {
    one.write("/a", 1);
    pass(KEPT.minusSeconds(1));
    two.hear(one);
    assertEquals(written(1), two.expected("/a"));
    pass(Duration.ofSeconds(2));
    assertEquals(null, two.expected("/a"));
    two.changes.expire();
    one.changes.expire();
    assertEquals(0, two.changes.size() + one.changes.size());
    assertFalse(two.changes.hasForeign("main"));
  }

  @Test
  void changes_areBounded_andTheOldestGo() {
    one.changes.made("main", IntStream.rangeClosed(0, RecentChanges.MAX_CHANGES).mapToObj(i -> new Draft(path("/" + i), written(i))).toList(), Long.MAX_VALUE);
    assertEquals(RecentChanges.MAX_CHANGES, one.changes.size());
    assertEquals(1, one.forgotten);
    two.hear(one);
    assertEquals(null, two.expected("/0"));
    assertEquals(written(1), two.expected("/1"));
  }

  @Test
  void pathThatChangesOften_takesOnePlace() {
    for (int i = 0; i < 100; i++) {
      one.write("/a", i);
      two.hear(one);
    }
    assertEquals(1, one.changes.size());
    assertEquals(1, two.changes.size());
    assertEquals(written(99), two.expected("/a"));
  }

  @Test
  void directoryThatIsRemovedOrRenamed_takesAlongAllThatWasToldOfInIt_afterWhatIsWritten() {
    Written directory = new Written(true, version(0), 0755);
    for (String name : List.of("/d/a", "/d/e/b", "/d/e/c", "/da", "/x/d/a")) {
      one.write(name, 1);
    }
    one.changes.made("main", List.of(new Draft(path("/f"), directory), new Draft(path("/f/e/c"), written(1)),
        new Draft(path("/d/e/c"), written(1).asRemoved()), new Draft(path("/d/e"), directory.asRemoved()),
        new Draft(path("/d"), directory.asRemoved())), Long.MAX_VALUE);
    two.hear(one);
    List<String> told = two.changes.heardFrom("node-1").stream().map(aged -> aged.change().path().toString()).toList();
    assertEquals(List.of("/da", "/x/d/a", "/f", "/f/e/c", "/d/e/c"), told.subList(0, 5));
    assertEquals(Set.of("/d/a", "/d/e/b"), Set.copyOf(told.subList(5, 7)));
    assertEquals(List.of("/d/e", "/d"), told.subList(7, told.size()));
    for (String name : List.of("/d/a", "/d/e/b", "/d/e/c")) {
      assertEquals(new Removed(false, version(1)), two.expected(name));
    }
    for (String name : List.of("/da", "/x/d/a", "/f/e/c")) {
      assertEquals(written(1), two.expected(name));
    }
  }

  @Test
  void storageWhoseChangesAreNotTold_hasNone() {
    one.changes.made("off", List.of(new Draft(path("/a"), written(1))), Long.MAX_VALUE);
    assertEquals(0, one.changes.size());
    one.write("/a", 1);
    keep = Duration.ZERO; // switched off meanwhile
    two.hear(one);
    assertEquals(0, two.changes.size());
  }

  @Test
  void nodeThatStartedAnew_isHeardFromItsBeginning_andWhatItSaidBeforeStays() {
    one.write("/a", 1);
    one.write("/b", 1);
    two.hear(one);
    Node again = new Node("node-1");
    pass(Duration.ofSeconds(1));
    again.write("/c", 1);
    two.hear(again);
    assertEquals(written(1), two.expected("/a"));
    assertEquals(written(1), two.expected("/c"));
    assertEquals(new Position(again.changes.position().incarnation(), 1), two.changes.heardOf("node-1"));
  }

  /** One of the others had not heard all when that node ended, and is the first to give back what it had. */
  @Test
  void changeThatIsGivenBack_doesNotTakeThePlaceOfANewerOne_thatOnlyAnotherNodeHasHeard() {
    one.write("/a", 1);
    two.hear(one);
    three.hear(one);
    pass(Duration.ofSeconds(1));
    one.write("/a", 2);
    two.hear(one);
    Node again = new Node("node-1");
    again.changes.remember(three.changes.heardFrom("node-1"));
    two.hear(again);
    assertEquals(written(2), two.expected("/a"));
    again.changes.remember(two.changes.heardFrom("node-1"));
    three.hear(again);
    two.hear(again);
    assertEquals(List.of(written(2), written(2)), List.of(two.expected("/a"), three.expected("/a")));
    assertEquals(1, again.changes.size());
  }

  @Test
  void hiddenNames_areNotListenedTo() {
    one.write("/d/" + Partials.PREFIX + "x", 1);
    two.hear(one);
    assertEquals(0, two.changes.size());
  }

  @Test
  void clockThatIsFarBehind_doesNotLoseItsChanges() {
    Node behind = new Node("node-0");
    behind.micros -= Duration.ofHours(1).toMillis() * 1000;
    one.write("/a", 1);
    behind.hear(one);
    behind.write("/a", 2);
    one.hear(behind);
    assertEquals(written(2), one.expected("/a"));
  }

  @Test
  void writesThatCross_areToldOnce_byOneOfBoth() {
    one.write("/a", 1);
    pass(Duration.ofMillis(1));
    two.write("/a", 2);
    two.hear(one);
    one.hear(two);
    assertEquals(List.of(new RecentChanges.Conflict("main", path("/a"), version(1), "node-2", version(2))), one.conflicts);
    assertEquals(List.of(), two.conflicts);
    assertEquals(written(2), one.expected("/a"));
    assertEquals(null, two.expected("/a"));
  }

  @Test
  void writeOverWhatHasNotArrived_isToldOnce_whereItIsMade() {
    one.write("/a", 1);
    two.hear(one);
    pass(Duration.ofMillis(1));
    two.write("/a", 2);
    one.hear(two);
    assertEquals(List.of(new RecentChanges.Conflict("main", path("/a"), version(2), "node-1", version(1))), two.conflicts);
    assertEquals(List.of(), one.conflicts);
  }

  @Test
  void writeOverSomethingElse_thanWhatHasNotArrived_replacesOnlyWhatThatHasReplaced_andIsAConflict() {
    one.write("/a", 1);
    one.write("/a", 2);
    two.hear(one);
    two.writeHere("/a", 7, 3);
    one.hear(two);
    three.hear(two);
    assertEquals(List.of(version(7), version(1)), one.replaced("/a"));
    assertEquals(written(3), three.expected("/a"));
    assertEquals(List.of(new RecentChanges.Conflict("main", path("/a"), version(2), "node-2", version(3))), one.conflicts);
    assertEquals(List.of(), two.conflicts);
  }

  @Test
  void removalOfAnotherFile_thanTheOneThatHasNotArrived_leavesThatToCome() {
    one.write("/a", 1);
    one.write("/a", 2);
    two.hear(one);
    two.remove("/a", 1);
    two.remove("/a", 7);
    assertEquals(0, two.changes.position().sequence());
    assertEquals(written(2), two.expected("/a"));
    two.remove("/a", 2);
    one.hear(two);
    assertEquals(new Removed(false, version(2)), one.expected("/a"));
  }

  @Test
  void whatAnotherNodeWroteWithoutKnowing_isNotTakenAsOlder() {
    one.write("/a", 1);
    two.write("/a", 2);
    for (int i = 10; i < 30; i++) {
      two.writeHere("/a", i - 1, i);
      one.hear(two);
      three.hear(one);
      three.hear(two);
    }
    for (Node node : List.of(one, three)) {
      RecentChanges.Known known = node.changes.expected("main", path("/a")).orElseThrow();
      assertEquals(written(29), known.state());
      assertFalse(known.isNewerThan(file(1)));
      for (int i = 10; i < 29; i++) {
        assertTrue(known.isNewerThan(file(i)), node.name + " " + i);
      }
      assertFalse(known.isNewerThan(file(29)));
    }
  }

  @Test
  void versionsThatAreKnownToBeOlder_areBounded_andTheOldestStays() {
    for (int i = 1; i < 100; i++) {
      one.write("/a", i);
      two.hear(one);
    }
    RecentChanges.Known known = two.changes.expected("main", path("/a")).orElseThrow();
    assertEquals(RecentChange.MAX_REPLACED, known.change().replaced().size());
    assertEquals(RecentChange.MAX_REPLACED + RecentChanges.MAX_OLDER,
        IntStream.range(0, 101).filter(i -> known.isNewerThan(file(i))).count());
    assertTrue(known.isNewerThan(file(1)) && known.change().replaced().contains(version(1)));
  }

  private static FileAttributes file(long size) {
    Instant modified = version(size).modified();
    return new FileAttributes(FileAttributes.Kind.FILE, size, 0644, 1, modified, modified, modified, size);
  }

  @Test
  void writeOverWhatHasArrived_isNoConflict() {
    one.write("/a", 1);
    two.hear(one);
    two.changes.settle(two.changes.expected("main", path("/a")).orElseThrow());
    two.write("/a", 2);
    one.hear(two);
    assertEquals(0, two.conflicts.size() + one.conflicts.size());
  }

  @Test
  void directoriesAndRemovals_areNoConflict() {
    one.remove("/a", 1);
    two.write("/a", 2);
    Written directory = new Written(true, version(0), 0755);
    one.changes.made("main", List.of(new Draft(path("/d"), directory)), Long.MAX_VALUE);
    two.changes.made("main", List.of(new Draft(path("/d"), directory)), Long.MAX_VALUE);
    one.hear(two);
    two.hear(one);
    assertEquals(0, two.conflicts.size() + one.conflicts.size());
  }

  @Test
  void settledChange_staysSo_whenAnOlderOneIsHeardLate() {
    one.write("/a", 1);
    pass(Duration.ofMillis(1));
    two.hear(one);
    two.changes.settle(two.changes.expected("main", path("/a")).orElseThrow());
    two.write("/a", 2);
    three.hear(two);
    three.changes.settle(three.changes.expected("main", path("/a")).orElseThrow());
    three.hear(one);
    assertEquals(null, three.expected("/a"));
  }

  @Test
  void awaitHeard_returnsWhenItIs_andNotForAnotherIncarnation() throws InterruptedException {
    one.write("/a", 1);
    assertFalse(two.changes.awaitHeard("node-1", one.changes.position(), Duration.ZERO));
    two.hear(one);
    assertTrue(two.changes.awaitHeard("node-1", one.changes.position(), Duration.ofSeconds(5)));
    assertFalse(two.changes.awaitHeard("node-1", new Position(new java.util.UUID(1, 1), 1), Duration.ZERO));
  }

  @Test
  void stampThatLeavesNoRoom_isNotTaken() {
    two.changes.heard("node-1", new Batch(new Position(one.changes.position().incarnation(), 1), List.of(new RecentChanges.Aged(
        new RecentChange(1, Long.MAX_VALUE, 0, "main", path("/a"), written(1), List.of()), Duration.ZERO))));
    assertEquals(0, two.changes.size());
  }
}
