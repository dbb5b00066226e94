/**
 * The embedded journal: a Pekko Persistence journal and snapshot store whose engine is a Raft group between the voters.
 *
 * <p>{@link io.flotilla.journal.raft.RaftVoter} is one member of the group, {@link io.flotilla.journal.raft.RaftQuorum} the
 * client side, and {@link io.flotilla.journal.raft.JournalTables} what the group agrees about. The same state machine keeps
 * the records that formation needs: the generation of the Pekko cluster and the registry of nodes.
 */
package io.flotilla.journal.raft;
