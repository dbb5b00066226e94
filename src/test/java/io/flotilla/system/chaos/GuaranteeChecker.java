package io.flotilla.system.chaos;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.stream.Collectors;

/** Decides from what was observed whether the guarantees 1 to 4 were kept. Pure: the same observations, the same answer. */
public final class GuaranteeChecker {
  private final Observations seen;
  private final List<Violation> violations = new ArrayList<>();
  /** The changes by version, as the history tells them; of contradicting entries the first. */
  private final TreeMap<Long, Observations.Historic> history = new TreeMap<>();
  private final Map<String, Long> versionOfKey = new HashMap<>();

  private GuaranteeChecker(Observations seen) {
    this.seen = seen;
  }

  /** Returns what was broken; empty if nothing was. */
  public static List<Violation> check(Observations seen) {
    GuaranteeChecker checker = new GuaranteeChecker(seen);
    checker.history();
    checker.acknowledgements();
    checker.order();
    checker.refusals();
    checker.conditions();
    checker.digests();
    checker.monotony();
    checker.ends();
    checker.lookups();
    seen.accidents().forEach(accident -> checker.report(Violation.Kind.ACCIDENT, accident));
    return List.copyOf(checker.violations);
  }

  private void report(Violation.Kind kind, String detail, Object... arguments) {
    violations.add(new Violation(kind, arguments.length == 0 ? detail : String.format(detail, arguments)));
  }

  private void history() {
    Set<String> sent = seen.changes().stream().map(Observations.Change::key).collect(Collectors.toSet());
    for (Observations.Historic entry : seen.history()) {
      Observations.Historic other = history.putIfAbsent(entry.version(), entry);
      if (other != null && !other.text().equals(entry.text())) {
        report(Violation.Kind.TWO_CONTENTS, "version %d is %s on node %d and %s on node %d", entry.version(),
            other.text(), other.node(), entry.text(), entry.node());
      }
      entry.key().ifPresent(key -> {
        Long before = versionOfKey.putIfAbsent(key, entry.version());
        if (before != null && before != entry.version()) {
          report(Violation.Kind.TWICE, "%s was made as version %d and as version %d", key, before, entry.version());
        }
        if (!sent.contains(key)) {
          report(Violation.Kind.GAP, "version %d was made by %s, which nobody sent", entry.version(), key);
        }
      });
    }
    long expected = history.isEmpty() ? 0 : history.firstKey();
    for (long version : history.keySet()) {
      if (version != expected) {
        report(Violation.Kind.GAP, "the history has no versions from %d to %d", expected, version - 1);
      }
      expected = version + 1;
    }
  }

  private void acknowledgements() {
    Map<Long, String> keyOfVersion = new HashMap<>();
    for (Observations.Change change : seen.changes()) {
      for (Observations.Attempt attempt : change.acknowledgements()) {
        long version = acknowledged(attempt);
        String other = keyOfVersion.putIfAbsent(version, change.key());
        if (other != null && !other.equals(change.key())) {
          report(Violation.Kind.TWO_CONTENTS, "version %d was acknowledged for %s and for %s", version, other, change.key());
        }
        Long made = versionOfKey.get(change.key());
        Optional<Observations.FinalState> loser = seen.finals().stream().filter(end -> !end.keys().isEmpty()
            && version >= end.keys().firstKey() && !change.key().equals(end.keys().get(version))).findFirst();
        if (made == null || loser.isPresent()) {
          report(Violation.Kind.LOST, "%s was acknowledged by node %d as version %d, where the history of %s has %s",
              change.key(), attempt.node(), version, loser.map(end -> "node " + end.node()).orElse("all"), what(version));
        } else if (made != version) {
          report(Violation.Kind.TWICE, "%s was acknowledged by node %d as version %d, but the history has it as version %d",
              change.key(), attempt.node(), version, made);
        }
      }
    }
  }

  private String what(long version) {
    return Optional.ofNullable(history.get(version)).map(Observations.Historic::text).orElse("nothing");
  }

  private static long acknowledged(Observations.Attempt attempt) {
    return switch (attempt.outcome()) {
      case Observations.Acknowledged acknowledged -> acknowledged.version();
      case Observations.Refused refused -> 0;
      case Observations.Unknown unknown -> 0;
    };
  }

  /** What was sent after another was acknowledged has the higher version, whether or not a client knows that it was made. */
  private void order() {
    record Known(long at, long version, String key) {}
    List<Known> acknowledged = seen.changes().stream().filter(change -> change.acknowledgedAt().isPresent())
        .map(change -> new Known(change.acknowledgedAt().getAsLong(), acknowledged(change.acknowledgements().getFirst()),
            change.key()))
        .sorted(Comparator.comparingLong(Known::at)).toList();
    List<Observations.Change> sent =
        seen.changes().stream().sorted(Comparator.comparingLong(Observations.Change::sent)).toList();
    int next = 0;
    Known highest = new Known(0, 0, "");
    for (Observations.Change change : sent) {
      while (next < acknowledged.size() && acknowledged.get(next).at() < change.sent()) {
        highest = acknowledged.get(next).version() > highest.version() ? acknowledged.get(next) : highest;
        next++;
      }
      OptionalLong version = change.acknowledgements().stream().mapToLong(GuaranteeChecker::acknowledged).min();
      Long made = version.isPresent() ? Long.valueOf(version.getAsLong()) : versionOfKey.get(change.key());
      if (made != null && made <= highest.version()) {
        report(Violation.Kind.REORDERED, "%s became version %d, though it was sent after %s was acknowledged as version %d",
            change.key(), made, highest.key(), highest.version());
      }
    }
  }

  private void refusals() {
    for (Observations.Change change : seen.changes()) {
      Long made = versionOfKey.get(change.key());
      if (made != null && change.isRefused()) {
        report(Violation.Kind.REFUSED_IS_THERE, "%s was refused with %s, but is version %d", change.key(),
            change.attempts().stream().map(Observations.Attempt::outcome).toList(), made);
      }
    }
  }

  /** Follows the history, and remembers for each entity the version of its last change. */
  private void conditions() {
    Map<String, Observations.Change> sent = seen.changes().stream()
        .collect(Collectors.toMap(Observations.Change::key, Function.identity(), (one, other) -> one));
    Map<String, Long> last = new HashMap<>();
    for (Observations.Historic entry : history.values()) {
      entry.key().map(sent::get).ifPresent(change -> change.writes().forEach(write -> {
        long before = last.getOrDefault(write.entity(), 0L);
        if (write.ifVersion().isPresent() && write.ifVersion().getAsLong() != before) {
          report(Violation.Kind.CONDITION_IGNORED, "%s was made as version %d for version %d of %s, which was at version %d",
              change.key(), entry.version(), write.ifVersion().getAsLong(), write.entity(), before);
        }
      }));
      entry.values().forEach((entity, value) -> last.put(entity, value.isPresent() ? entry.version() : 0L));
    }
  }

  private void digests() {
    Map<Long, Observations.Sighting> first = new HashMap<>();
    for (Observations.Sighting sighting : seen.sightings()) {
      if (sighting.digest().isPresent()) {
        Observations.Sighting other = first.putIfAbsent(sighting.version(), sighting);
        if (other != null && !other.digest().equals(sighting.digest())) {
          report(Violation.Kind.TWO_CONTENTS, "version %d had digest %s on node %d and %s on node %d", sighting.version(),
              other.digest().orElse(""), other.node(), sighting.digest().get(), sighting.node());
        }
      }
    }
  }

  private void monotony() {
    record Life(int node, int life) {}
    Map<Life, List<Observations.Sighting>> lives =
        seen.sightings().stream().collect(Collectors.groupingBy(sighting -> new Life(sighting.node(), sighting.life())));
    lives.forEach((life, sightings) -> {
      List<Observations.Sighting> answered =
          sightings.stream().sorted(Comparator.comparingLong(Observations.Sighting::answered)).toList();
      List<Observations.Sighting> sent = sightings.stream().filter(sighting -> sighting.digest().isPresent())
          .sorted(Comparator.comparingLong(Observations.Sighting::sent)).toList();
      int next = 0;
      long highest = 0;
      for (Observations.Sighting sighting : sent) {
        while (next < answered.size() && answered.get(next).answered() < sighting.sent()) {
          highest = Math.max(highest, answered.get(next).version());
          next++;
        }
        if (sighting.version() < highest) {
          report(Violation.Kind.WENT_BACK, "node %d showed version %d after version %d", life.node(), sighting.version(), highest);
        }
      }
    });
  }

  private void ends() {
    TreeMap<String, String> expected = new TreeMap<>();
    history.values().forEach(entry -> entry.values().forEach((entity, value) ->
        value.ifPresentOrElse(text -> expected.put(entity, text), () -> expected.remove(entity))));
    for (Observations.FinalState end : seen.finals()) {
      Observations.FinalState first = seen.finals().getFirst();
      if (end.version() != first.version() || !end.digest().equals(first.digest())) {
        report(Violation.Kind.NOT_CONVERGED, "node %d ended at version %d with digest %s, node %d at version %d with digest %s",
            first.node(), first.version(), first.digest(), end.node(), end.version(), end.digest());
      }
      if (!history.isEmpty() && end.version() != history.lastKey()) {
        report(Violation.Kind.GAP, "node %d ended at version %d, the history at version %d", end.node(), end.version(),
            history.lastKey());
      }
      if (!end.values().equals(expected)) {
        report(Violation.Kind.WRONG_CONTENT, "node %d ended with %s, the history leads to %s", end.node(), end.values(), expected);
      }
    }
  }

  private void lookups() {
    for (Observations.Lookup lookup : seen.lookups()) {
      Long made = versionOfKey.get(lookup.key());
      OptionalLong expected = made == null ? OptionalLong.empty() : OptionalLong.of(made);
      if (!lookup.version().equals(expected)) {
        report(Violation.Kind.LOOKUP_DISAGREES, "node %d looked up %s and found %s, the history has %s", lookup.node(),
            lookup.key(), text(lookup.version()), text(expected));
      }
    }
  }

  private static String text(OptionalLong version) {
    return version.isPresent() ? "version " + version.getAsLong() : "nothing";
  }
}
