package io.flotilla.config.cluster;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;

/** The change that is put to the nodes and those that wait for their turn, bounded. Confined to its actor. */
final class PrepareQueue {
  private static final int MAX_WAITING = 64;
  private static final long MAX_WAITING_BYTES = 64L << 20;

  private final Queue<Proposal> waiting = new ArrayDeque<>();
  private Optional<PrepareRound> round = Optional.empty();

  /** @return why it can't wait too; empty if it does */
  Optional<String> add(Proposal proposal) {
    // One that is larger by itself, an import, need not be refused for it if nothing else waits.
    long bytes = waiting.stream().mapToLong(Proposal::bytes).sum() + proposal.bytes();
    if (waiting.size() >= MAX_WAITING || !waiting.isEmpty() && bytes > MAX_WAITING_BYTES) {
      return Optional.of("too many changes wait for the nodes' answers already: at most " + MAX_WAITING + ", of "
          + (MAX_WAITING_BYTES >> 20) + " MiB together; try again shortly");
    }
    waiting.add(proposal);
    return Optional.empty();
  }

  /** Whose turn it is; none while one is put to the nodes. */
  Optional<Proposal> next() {
    return round.isPresent() ? Optional.empty() : Optional.ofNullable(waiting.poll());
  }

  void begin(PrepareRound next) {
    round = Optional.of(next);
  }

  Optional<PrepareRound> round() {
    return round;
  }

  /** The round that is over now, which leaves its place to the next. */
  Optional<PrepareRound> end(long now) {
    Optional<PrepareRound> over = round.filter(open -> open.isOver(now));
    if (over.isPresent()) {
      round = Optional.empty();
    }
    return over;
  }

  /** Gives up all of them. */
  List<Proposal> clear() {
    List<Proposal> all = new ArrayList<>();
    round.map(PrepareRound::proposal).ifPresent(all::add);
    all.addAll(waiting);
    round = Optional.empty();
    waiting.clear();
    return all;
  }
}
