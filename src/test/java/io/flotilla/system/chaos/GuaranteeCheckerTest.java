package io.flotilla.system.chaos;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Each way to break a guarantee, made by hand, is told by its name; what is allowed is not. */
class GuaranteeCheckerTest {
  private final List<Observations.Change> changes = new ArrayList<>();
  private final List<Observations.Sighting> sightings = new ArrayList<>();
  private final List<Observations.Historic> history = new ArrayList<>();
  private final List<Observations.FinalState> finals = new ArrayList<>();
  private final List<Observations.Lookup> lookups = new ArrayList<>();
  private final List<String> accidents = new ArrayList<>();

  @Test
  void nothingWrong_nothingFound() {
    sound();

    assertEquals(List.of(), check());
  }

  @Test
  void noObservations_nothingFound() {
    assertEquals(List.of(), check());
  }

  @Test
  void unknownOutcome_mayBeThereOrNot() {
    sound();
    change("there", 60, 70, new Observations.Unknown("no answer"));
    change("not there", 60, 70, new Observations.Unknown("no answer"));
    made(5, "there", "b");
    ends(5, Map.of("a", "third", "b", "there"));
    lookups.add(new Observations.Lookup(1, "there", OptionalLong.of(5)));
    lookups.add(new Observations.Lookup(1, "not there", OptionalLong.empty()));

    assertEquals(List.of(), check());
  }

  @Test
  void unknownThenAcknowledged_isOneChange() {
    changes.add(new Observations.Change("first", put("a", "first"), List.of(
        attempt(1, 10, 20, new Observations.Unknown("no answer")), attempt(2, 30, 40, acknowledged(2)))));
    made(2, "first", "a");
    ends(2, Map.of("a", "first"));

    assertEquals(List.of(), check());
  }

  @Test
  void acknowledgedChangeThatNoHistoryHas_isLost() {
    sound();
    change("fourth", 60, 70, acknowledged(5));

    assertFound(Violation.Kind.LOST);
  }

  @Test
  void acknowledgedChangeThatWasThereAndIsGone_isLost() {
    sound();
    history.add(new Observations.Historic(1, 5, Optional.of("fourth"), Map.of("b", Optional.of("fourth")), "fourth"));
    change("fourth", 60, 70, acknowledged(5));

    // The nodes end at version 4.
    assertFound(Violation.Kind.LOST);
    assertFound(Violation.Kind.GAP);
  }

  @Test
  void oneChangeAsTwoVersions_isMadeTwice() {
    sound();
    made(5, "third", "a");
    ends(5, Map.of("a", "third"));

    assertFound(Violation.Kind.TWICE);
  }

  @Test
  void acknowledgedAsAnotherVersionThanItsOwn_isFound() {
    change("first", 10, 20, acknowledged(3));
    made(2, "first", "a");

    assertFound(Violation.Kind.TWICE);
  }

  @Test
  void sentAfterAnotherWasAcknowledged_withALowerVersion_isReordered() {
    change("first", 10, 20, acknowledged(3));
    change("second", 30, 40, acknowledged(2));
    made(2, "second", "a");
    made(3, "first", "a");
    ends(3, Map.of("a", "first"));

    assertFound(Violation.Kind.REORDERED);
  }

  @Test
  void unknownOutcomeMadeBeforeWhatWasAcknowledgedEarlier_isReordered() {
    change("first", 10, 20, acknowledged(3));
    change("second", 30, 40, new Observations.Unknown("no answer"));
    made(2, "second", "a");
    made(3, "first", "a");
    ends(3, Map.of("a", "first"));

    assertFound(Violation.Kind.REORDERED);
  }

  @Test
  void sentAtTheSameTime_mayHaveAnyOrder() {
    change("first", 10, 40, acknowledged(3));
    change("second", 30, 60, acknowledged(2));
    made(2, "second", "a");
    made(3, "first", "a");
    ends(3, Map.of("a", "first"));

    assertEquals(List.of(), check());
  }

  @Test
  void conditionThatDidNotHold_isFound() {
    sound();
    changes.add(new Observations.Change("fourth", List.of(new Observations.Put("a", "fourth", OptionalLong.of(3))),
        List.of(attempt(1, 60, 70, acknowledged(5)))));
    made(5, "fourth", "a");
    ends(5, Map.of("a", "fourth"));

    // "a" was at version 4: an update was lost.
    assertFound(Violation.Kind.CONDITION_IGNORED);
  }

  @Test
  void conditionOfAbsence_holdsAfterADelete() {
    changes.add(new Observations.Change("first", List.of(new Observations.Put("a", "first", OptionalLong.of(0))),
        List.of(attempt(1, 10, 20, acknowledged(2)))));
    made(2, "first", "a");
    changes.add(new Observations.Change("second", List.of(new Observations.Delete("a")),
        List.of(attempt(1, 30, 40, acknowledged(3)))));
    history.add(new Observations.Historic(1, 3, Optional.of("second"), Map.of("a", Optional.empty()), "second"));
    changes.add(new Observations.Change("third", List.of(new Observations.Put("a", "third", OptionalLong.of(0))),
        List.of(attempt(1, 50, 60, acknowledged(4)))));
    made(4, "third", "a");
    ends(4, Map.of("a", "third"));

    assertEquals(List.of(), check());
  }

  @Test
  void oneVersionWithTwoDigests_isFound() {
    sound();
    sightings.add(new Observations.Sighting(2, 0, 70, 80, 3, Optional.of("another digest")));

    assertFound(Violation.Kind.TWO_CONTENTS);
  }

  @Test
  void oneVersionWithTwoHistories_isFound() {
    sound();
    history.add(new Observations.Historic(2, 3, Optional.empty(), Map.of(), "of somebody else"));

    assertFound(Violation.Kind.TWO_CONTENTS);
  }

  @Test
  void oneVersionAcknowledgedForTwoChanges_isFound() {
    change("first", 10, 20, acknowledged(2));
    change("second", 10, 20, acknowledged(2));
    made(2, "first", "a");

    assertFound(Violation.Kind.TWO_CONTENTS);
  }

  @Test
  void missingVersion_isAGap() {
    sound();
    history.removeIf(entry -> entry.version() == 3);

    assertFound(Violation.Kind.GAP);
  }

  @Test
  void changeThatNobodySent_isFound() {
    sound();
    changes.removeIf(change -> change.key().equals("third"));

    assertFound(Violation.Kind.GAP);
  }

  @Test
  void versionThatFalls_isFound_butNotAcrossARestart() {
    sound();
    sightings.add(new Observations.Sighting(2, 1, 70, 80, 2, Optional.of("digest 2")));
    assertEquals(List.of(), check());

    sightings.add(new Observations.Sighting(1, 0, 70, 80, 2, Optional.of("digest 2")));
    assertFound(Violation.Kind.WENT_BACK);
  }

  @Test
  void nodeThatShowsLessThanItAcknowledged_isFound() {
    sound();
    sightings.add(new Observations.Sighting(1, 0, 55, 60, 4, Optional.empty()));
    sightings.add(new Observations.Sighting(1, 0, 70, 80, 3, Optional.of("digest 3")));

    assertFound(Violation.Kind.WENT_BACK);
  }

  @Test
  void refusedChangeThatIsThere_isFound() {
    sound();
    change("refused", 60, 70, new Observations.Refused(503));
    made(5, "refused", "b");
    ends(5, Map.of("a", "third", "b", "refused"));

    assertFound(Violation.Kind.REFUSED_IS_THERE);
  }

  @Test
  void contentThatTheHistoryDoesNotLeadTo_isFound() {
    sound();
    ends(4, Map.of("a", "second"));

    assertFound(Violation.Kind.WRONG_CONTENT);
  }

  @Test
  void lookUpThatContradictsTheHistory_isFound() {
    sound();
    lookups.add(new Observations.Lookup(1, "second", OptionalLong.empty()));

    assertFound(Violation.Kind.LOOKUP_DISAGREES);
  }

  @Test
  void nodesThatEndApart_areFound() {
    sound();
    finals.add(new Observations.FinalState(3, 4, "another digest", new TreeMap<>(Map.of("a", "third")), new TreeMap<>()));

    assertFound(Violation.Kind.NOT_CONVERGED);
  }

  @Test
  void accident_isFound() {
    accidents.add("node 1 ended by itself");

    assertFound(Violation.Kind.ACCIDENT);
  }

  @Test
  void plan_isTheSameForTheSameSeed_andAnotherForAnother() {
    ChaosPlan plan = ChaosPlan.of(7, 3, Duration.ofMinutes(2));

    assertEquals(plan, ChaosPlan.of(7, 3, Duration.ofMinutes(2)));
    assertNotEquals(plan.steps(), ChaosPlan.of(8, 3, Duration.ofMinutes(2)).steps());
    assertTrue(plan.steps().stream().mapToLong(step -> step.hold().plus(step.rest()).toMillis()).sum() >= 120_000);
  }

  /** Three changes of one entity after a first version of somebody else, seen by two nodes that end alike. */
  private void sound() {
    history.add(new Observations.Historic(1, 1, Optional.empty(), Map.of(), "the first configuration"));
    change("first", 10, 20, acknowledged(2));
    change("second", 30, 40, acknowledged(3));
    change("third", 45, 50, acknowledged(4));
    made(2, "first", "a");
    made(3, "second", "a");
    made(4, "third", "a");
    sightings.add(new Observations.Sighting(1, 0, 20, 25, 2, Optional.of("digest 2")));
    sightings.add(new Observations.Sighting(2, 0, 40, 45, 3, Optional.of("digest 3")));
    sightings.add(new Observations.Sighting(1, 0, 50, 55, 4, Optional.of("digest 4")));
    lookups.add(new Observations.Lookup(1, "second", OptionalLong.of(3)));
    ends(4, Map.of("a", "third"));
  }

  private void change(String key, long sent, long answered, Observations.Outcome outcome) {
    changes.add(new Observations.Change(key, put("a", key), List.of(attempt(1, sent, answered, outcome))));
  }

  private static List<Observations.Write> put(String entity, String text) {
    return List.of(new Observations.Put(entity, text, OptionalLong.empty()));
  }

  private static Observations.Attempt attempt(int node, long sent, long answered, Observations.Outcome outcome) {
    return new Observations.Attempt(node, 0, sent, answered, outcome);
  }

  private static Observations.Outcome acknowledged(long version) {
    return new Observations.Acknowledged(version, true);
  }

  private void made(long version, String key, String entity) {
    history.add(new Observations.Historic(1, version, Optional.of(key), Map.of(entity, Optional.of(key)), key));
  }

  private void ends(long version, Map<String, String> values) {
    finals.clear();
    TreeMap<Long, String> keys = history.stream().filter(entry -> entry.version() <= version).collect(Collectors.toMap(
        Observations.Historic::version, entry -> entry.key().orElse(""), (one, other) -> one, TreeMap::new));
    for (int node = 1; node <= 2; node++) {
      finals.add(new Observations.FinalState(node, version, "digest " + version, new TreeMap<>(values), keys));
    }
  }

  private List<Violation> check() {
    return GuaranteeChecker.check(new Observations(changes, sightings, history, finals, lookups, accidents));
  }

  private void assertFound(Violation.Kind kind) {
    Set<Violation.Kind> found = check().stream().map(Violation::kind).collect(Collectors.toSet());
    assertTrue(found.contains(kind), found.toString());
  }
}
