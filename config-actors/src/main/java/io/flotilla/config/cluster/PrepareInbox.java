package io.flotilla.config.cluster;

import io.flotilla.config.event.EntityChange;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A node's side of the question whether it can apply a change: gathers the parts, waits until the node has the version the
 * change was computed for, and remembers the answer for when the question comes again. It holds the newest question only.
 * Confined to its actor.
 */
final class PrepareInbox {
  /** All nodes' objections together have to fit one message, and nobody mends more in one go. */
  static final int MAX_OBJECTIONS = 10;
  static final int MAX_OBJECTION_LENGTH = 300;

  private Optional<ConfigAnnouncement.PrepareRequested> question = Optional.empty();
  private final TreeMap<Integer, List<EntityChange>> parts = new TreeMap<>();
  private boolean begun;
  private Optional<List<String>> objections = Optional.empty();

  void add(ConfigAnnouncement.PrepareRequested part) {
    if (question.isEmpty() || isNewer(part, question.get())) {
      question = Optional.of(part);
      parts.clear();
      begun = false;
      objections = Optional.empty();
    }
    if (isThis(part.epoch(), part.round())) {
      parts.put(part.part(), part.changes());
    }
  }

  /** The changes to look at, once, when all is there. */
  Optional<List<EntityChange>> begin(long currentVersion) {
    if (question.isEmpty() || begun || parts.size() < question.get().parts()
        || currentVersion < question.get().version()) {
      return Optional.empty();
    }
    begun = true;
    return Optional.of(parts.values().stream().flatMap(List::stream).toList());
  }

  void answer(long epoch, long round, List<String> found) {
    if (isThis(epoch, round)) {
      objections = Optional.of(bounded(found));
    }
  }

  /** Sends the answer, if there is one already. */
  void reply(String node, String address) {
    if (question.isPresent() && objections.isPresent()) {
      ConfigAnnouncement.PrepareRequested asked = question.get();
      asked.replyTo().tell(new ConfigPrimary.NodePrepared(asked.round(), node, address, objections.get()));
    }
  }

  long round() {
    return question.map(ConfigAnnouncement.PrepareRequested::round).orElse(0L);
  }

  private static List<String> bounded(List<String> found) {
    List<String> told = new ArrayList<>(found.stream().limit(MAX_OBJECTIONS)
        .map(text -> text.length() <= MAX_OBJECTION_LENGTH ? text : text.substring(0, MAX_OBJECTION_LENGTH) + "...").toList());
    if (found.size() > MAX_OBJECTIONS) {
      told.add("and " + (found.size() - MAX_OBJECTIONS) + " more");
    }
    return List.copyOf(told);
  }

  private boolean isThis(long epoch, long round) {
    return question.isPresent() && question.get().epoch() == epoch && question.get().round() == round;
  }

  private static boolean isNewer(ConfigAnnouncement.PrepareRequested one, ConfigAnnouncement.PrepareRequested other) {
    return one.epoch() > other.epoch() || one.epoch() == other.epoch() && one.round() > other.round();
  }
}
