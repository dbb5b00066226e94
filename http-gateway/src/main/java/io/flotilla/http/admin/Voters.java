package io.flotilla.http.admin;

import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;

/**
 * The nodes that keep the journal and vote about it, as an administrator sees and changes them. Any node can be asked; methods
 * return at once. A stage fails with {@link UnavailableException} if too few voters answer, and with
 * {@link NoVotersException} where the journal is kept without any.
 */
public interface Voters {

  /**
   * A voter, or a node that is to be one.
   *
   * @param node its name, empty if the registry does not know it
   * @param votes whether it is in the membership
   * @param reachable whether its Raft server answers; if not, the numbers are missing
   * @param wish "voter", "removed" or empty: what an administrator asked for
   */
  record Voter(String node, String raftAddress, String peerId, boolean votes, boolean leader, boolean reachable,
      OptionalLong appliedIndex, OptionalLong committedIndex, OptionalLong snapshotIndex, OptionalLong logBytes, String wish) {}

  /** @param warning what is unwise about this number of voters */
  record Report(List<Voter> voters, Optional<String> warning) {
    public Report {
      voters = List.copyOf(voters);
    }
  }

  /** How a change ended. */
  sealed interface Outcome {}

  /** The membership is as wished. */
  record Settled(Report report) implements Outcome {}

  /** It was accepted for good, and the leader works on it. */
  record UnderWay(Report report) implements Outcome {}

  /** Nothing was changed. */
  record Refused(String reason) implements Outcome {}

  /** Nothing was changed, as there is no such node. */
  record Unknown(String reason) implements Outcome {}

  /** The voters cannot be asked; the message says why. */
  final class UnavailableException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public UnavailableException(String message) {
      super(message);
    }
  }

  /** There are none, because the journal is in a database; the message says so. */
  final class NoVotersException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public NoVotersException(String message) {
      super(message);
    }
  }

  CompletionStage<Report> list();

  /** Gives a registered node a vote, and waits for it at most {@code patience}. */
  CompletionStage<Outcome> add(String node, Duration patience);

  /** Takes a node's vote away for good; it may be dead. */
  CompletionStage<Outcome> remove(String node, Duration patience);

  /** Gives {@code by} a vote, and then takes {@code node}'s away. */
  CompletionStage<Outcome> replace(String node, String by, Duration patience);

  /** Takes a dead node without a vote out of the registry. */
  CompletionStage<Outcome> forget(String node);
}
