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
   * @param engine where the journal is: embedded or postgresql
   * @param stored empty if nobody who holds it answered
   * @param voters empty where the journal is kept without any
   * @param trouble why something is missing, in words; empty if nothing is
   */
  record Report(String engine, Optional<StoredJournal> stored, List<Voter> voters, String trouble) {
    public Report {
      voters = List.copyOf(voters);
    }
  }

  /**
   * What this node knows without asking anybody, for its metrics.
   *
   * @param logBytes this node's Raft log on disk; empty, as the next, if it is no voter
   */
  record Own(StoredJournal stored, OptionalLong logBytes, OptionalLong raftSnapshotBytes) {}

  /** What is known within about a second; the stage never fails. */
  CompletionStage<Report> report();

  /** Empty if this node holds nothing of the journal. */
  Optional<Own> own();
}
