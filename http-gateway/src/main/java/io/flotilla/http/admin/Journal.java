package io.flotilla.http.admin;

import io.flotilla.journal.StoredJournal;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;

/**
 * What is stored of the configuration's journal and what it takes, as an administrator sees it: its events are changes, their
 * numbers versions of the configuration. Methods return at once.
 */
public interface Journal {
  /** A Raft log up to this size, in bytes, is never told to be large. */
  long LARGE_LOG_BYTES = 256L << 20;

  /**
   * One voter's files.
   *
   * @param node its name; empty if it is not known
   * @param reachable whether it answers; if not, or if it is of a release that does not tell them, the numbers are missing
   * @param logBytes its Raft log on disk
   * @param snapshotBytes its Raft snapshots on disk
   */
  record Voter(String node, String raftAddress, boolean reachable, OptionalLong logBytes, OptionalLong snapshotBytes) {}

  /**
   * A node that belongs to the cluster, in it now or not.
   *
   * @param address where its actor system is reached
   */
  record Node(String name, String address, List<String> roles) {}

  /**
   * @param engine where the journal is: embedded or postgresql
   * @param stored empty if nobody who holds it answered
   * @param voters empty where the journal is kept without any
   * @param nodes those of the registry; empty if nobody who holds it answered, ever
   * @param trouble what is missing and why, and what grows beyond its measure, in words; empty if nothing does
   */
  record Report(String engine, Optional<StoredJournal> stored, List<Voter> voters, List<Node> nodes, String trouble) {
    public Report {
      voters = List.copyOf(voters);
      nodes = List.copyOf(nodes);
    }
  }

  /**
   * What this node knows without asking anybody, for its metrics.
   *
   * @param logBytes this node's Raft log on disk; empty, as the next, if it is no voter
   */
  record Own(StoredJournal stored, OptionalLong logBytes, OptionalLong raftSnapshotBytes) {}

  /**
   * Whether a Raft log is far larger than one is while all voters keep up: then it is cut at each Raft snapshot, which is taken
   * when about as much was written as the one before takes.
   *
   * @param snapshotBytes what the Raft snapshots beside it take
   */
  static boolean isLargeLog(long logBytes, long snapshotBytes) {
    return logBytes > Math.max(LARGE_LOG_BYTES, 4 * snapshotBytes);
  }

  /** What is known within about a second; the stage never fails. */
  CompletionStage<Report> report();

  /** Empty if this node holds nothing of the journal. */
  Optional<Own> own();
}
