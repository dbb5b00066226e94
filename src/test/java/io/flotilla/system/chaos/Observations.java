package io.flotilla.system.chaos;

import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.TreeMap;

/**
 * What was done to a cluster and what was seen of it from outside. Times are nanoseconds of one clock, {@link
 * System#nanoTime}; nodes are numbered from 1.
 *
 * @param history what any node told of the past at any time; one entry for each different text
 * @param accidents what a node did that nobody asked it to do, such as ending
 */
public record Observations(
    List<Change> changes,
    List<Sighting> sightings,
    List<Historic> history,
    List<FinalState> finals,
    List<Lookup> lookups,
    List<String> accidents) {

  /** One write to an entity. */
  public sealed interface Write {
    String entity();

    /** What it leaves there; empty if nothing. */
    Optional<String> value();

    /** The entity's version it was made for, 0 for "must not exist"; empty for any. */
    OptionalLong ifVersion();
  }

  public record Put(String entity, String text, OptionalLong ifVersion) implements Write {
    @Override
    public Optional<String> value() {
      return Optional.of(text);
    }
  }

  public record Delete(String entity) implements Write {
    @Override
    public Optional<String> value() {
      return Optional.empty();
    }

    @Override
    public OptionalLong ifVersion() {
      return OptionalLong.empty();
    }
  }

  /** What a client learned of an attempt. */
  public sealed interface Outcome {}

  /** @param visible whether the node that answered said that it has applied the version itself */
  public record Acknowledged(long version, boolean visible) implements Outcome {}

  /** The answer says that nothing was changed; a dry run is refused too. */
  public record Refused(int status) implements Outcome {}

  /** It may have been made or not. */
  public record Unknown(String why) implements Outcome {}

  /** @param life counts the starts of the node */
  public record Attempt(int node, int life, long sent, long answered, Outcome outcome) {}

  /**
   * A change and every attempt to have it made; all attempts carry one idempotency key.
   *
   * @param key is part of the change's id in the history
   */
  public record Change(String key, List<Write> writes, List<Attempt> attempts) {
    public long sent() {
      return attempts.getFirst().sent();
    }

    public List<Attempt> acknowledgements() {
      return attempts.stream().filter(attempt -> attempt.outcome() instanceof Acknowledged).toList();
    }

    /** When a client knew first that it was made; empty if none does. */
    public OptionalLong acknowledgedAt() {
      return acknowledgements().stream().mapToLong(Attempt::answered).min();
    }

    public boolean isRefused() {
      return attempts.stream().allMatch(attempt -> attempt.outcome() instanceof Refused);
    }
  }

  /** A node said that it has this version; {@code digest} is empty if it did not tell. */
  public record Sighting(int node, int life, long sent, long answered, long version, Optional<String> digest) {}

  /**
   * A change as the history tells it.
   *
   * @param key of the change, empty if this program did not make it
   * @param values what it left of the entities this program writes
   * @param text all of it
   */
  public record Historic(int node, long version, Optional<String> key, Map<String, Optional<String>> values, String text) {}

  /**
   * A node at the end, when everything was healed and it had the time to catch up.
   *
   * @param values what it has of the entities this program writes
   * @param keys of the changes it still keeps as history, by version; empty text for changes of others
   */
  public record FinalState(
      int node, long version, String digest, TreeMap<String, String> values, TreeMap<Long, String> keys) {}

  /** What a node answered at the end when asked for a change; empty if it knows none that was made. */
  public record Lookup(int node, String key, OptionalLong version) {}
}
