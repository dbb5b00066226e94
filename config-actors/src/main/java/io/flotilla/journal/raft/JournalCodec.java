package io.flotilla.journal.raft;

import io.flotilla.journal.raft.JournalCommand.Append;
import io.flotilla.journal.raft.JournalCommand.ClaimEpoch;
import io.flotilla.journal.raft.JournalCommand.CompareAndSetGeneration;
import io.flotilla.journal.raft.JournalCommand.DeleteSnapshots;
import io.flotilla.journal.raft.JournalCommand.DeleteTo;
import io.flotilla.journal.raft.JournalCommand.Part;
import io.flotilla.journal.raft.JournalCommand.RegisterNode;
import io.flotilla.journal.raft.JournalCommand.SaveSnapshot;
import io.flotilla.journal.raft.JournalQuery.ListNodes;
import io.flotilla.journal.raft.JournalQuery.LoadSnapshot;
import io.flotilla.journal.raft.JournalQuery.Replay;
import io.flotilla.journal.raft.JournalReply.Appended;
import io.flotilla.journal.raft.JournalReply.Behind;
import io.flotilla.journal.raft.JournalReply.Done;
import io.flotilla.journal.raft.JournalReply.EpochClaimed;
import io.flotilla.journal.raft.JournalReply.Fenced;
import io.flotilla.journal.raft.JournalReply.GenerationConflict;
import io.flotilla.journal.raft.JournalReply.GenerationFounded;
import io.flotilla.journal.raft.JournalReply.NameTaken;
import io.flotilla.journal.raft.JournalReply.NoSnapshot;
import io.flotilla.journal.raft.JournalReply.NodeRegistered;
import io.flotilla.journal.raft.JournalReply.Nodes;
import io.flotilla.journal.raft.JournalReply.PartStored;
import io.flotilla.journal.raft.JournalReply.Refused;
import io.flotilla.journal.raft.JournalReply.ReplayPage;
import io.flotilla.journal.raft.JournalReply.SnapshotPage;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.util.Queue;

/**
 * The bytes of commands (which stay in the Raft log), queries and replies: a version, a tag, then the fields in order. Tags are
 * never reused; a new field means a new tag, so that voters of two versions can read the same log. Garbage gives a
 * {@link JournalFormatException} and nothing else. Stateless, safe for all threads.
 */
public final class JournalCodec {
    static final int VERSION = 1;
    /**
     * Which commands this build knows: 1 those of release 1, 2 also wishes about votes. Raised with each release that adds a
     * command, whose {@link JournalCommand#level()} is then the new number.
     */
    public static final int LEVEL = 2;

    private JournalCodec() {}

    private interface Writing {
        void to(WireWriter out) throws IOException;
    }

    private interface Reading<T> {
        T from(WireReader in) throws IOException;
    }

    private static Bytes write(Writing writing) {
        ByteArrayOutputStream buffer = new ByteArrayOutputStream();
        write(writing, buffer);
        return Bytes.owning(buffer.toByteArray());
    }

    private static void write(Writing writing, OutputStream to) {
        try {
            WireWriter out = new WireWriter(new DataOutputStream(to));
            out.tag(VERSION);
            writing.to(out);
        } catch (IOException e) {
            throw new UncheckedIOException("Writing to memory failed", e);
        }
    }

    private static <T> T read(Bytes bytes, String what, Reading<T> reading) throws JournalFormatException {
        return read(bytes.asStream(), bytes.size(), what, reading);
    }

    private static <T> T read(InputStream bytes, int size, String what, Reading<T> reading) throws JournalFormatException {
        try {
            WireReader in = new WireReader(new DataInputStream(bytes), size);
            int version = in.tag();
            if (version != VERSION) {
                String message = "A " + what + " of format " + version + ", but this node knows format " + VERSION
                        + " only: is a newer Flotilla in the cluster?";
                throw version > VERSION ? new NewerFormatException(message) : new JournalFormatException(message);
            }
            T value = reading.from(in);
            in.end();
            return value;
        } catch (JournalFormatException e) {
            throw e;
        } catch (EOFException e) {
            throw new JournalFormatException("A " + what + " of " + size + " bytes ends too early", e);
        } catch (IOException e) {
            throw new JournalFormatException("A " + what + " can't be read", e);
        }
    }

    private static NewerFormatException unknown(String what, int tag) {
        return new NewerFormatException("Unknown " + what + " " + tag + ": is a newer Flotilla in the cluster?");
    }

    public static Bytes encode(JournalCommand command) {
        return write(writing(command));
    }

    /** The same bytes as {@link #encode(JournalCommand)}, in parts of a size. */
    static Queue<Bytes> encodeInParts(JournalCommand command, int partBytes) {
        PartsOutput parts = new PartsOutput(partBytes);
        write(writing(command), parts);
        return parts.parts();
    }

    private static Writing writing(JournalCommand command) {
        return out -> {
            switch (command) {
                case ClaimEpoch c -> {
                    out.tag(1);
                    out.text(c.persistenceId());
                    out.uuid(c.claimant());
                }
                case Append c -> {
                    out.tag(2);
                    out.text(c.persistenceId());
                    out.number(c.epoch());
                    out.number(c.previousHighest());
                    out.list(c.entries(), out::entry);
                }
                case DeleteTo c -> {
                    out.tag(3);
                    out.text(c.persistenceId());
                    out.number(c.epoch());
                    out.number(c.toSequenceNr());
                }
                case SaveSnapshot c -> {
                    out.tag(4);
                    out.text(c.persistenceId());
                    out.number(c.epoch());
                    out.number(c.sequenceNr());
                    out.number(c.timestamp());
                    out.bytes(c.bytes());
                }
                case DeleteSnapshots c -> {
                    out.tag(5);
                    out.text(c.persistenceId());
                    out.number(c.epoch());
                    out.range(c.range());
                }
                case Part c -> {
                    out.tag(6);
                    out.uuid(c.uploadId());
                    out.number(c.index());
                    out.number(c.count());
                    out.bytes(c.bytes());
                }
                case CompareAndSetGeneration c -> {
                    out.tag(7);
                    out.number(c.expectedNumber());
                    out.uuid(c.founderNodeId());
                    out.text(c.founderAddress());
                }
                case RegisterNode c -> {
                    out.tag(8);
                    out.node(c.node());
                    out.optional(c.expectedHolder(), out::uuid);
                }
                case JournalCommand.WishVoters c -> {
                    out.tag(9);
                    out.list(c.wishes(), out::wish);
                }
                case JournalCommand.ForgetNode c -> {
                    out.tag(10);
                    out.uuid(c.nodeId());
                }
            }
        };
    }

    public static JournalCommand decodeCommand(Bytes bytes) throws JournalFormatException {
        return read(bytes.asStream(), bytes.size(), "command", JournalCodec::command);
    }

    /** @param parts are emptied while they are read */
    static JournalCommand decodeCommand(Queue<Bytes> parts, int size) throws JournalFormatException {
        return read(new PartsInput(parts), size, "command", JournalCodec::command);
    }

    private static JournalCommand command(WireReader in) throws IOException {
        int tag = in.tag();
        return switch (tag) {
            case 1 -> new ClaimEpoch(in.text(), in.uuid());
            case 2 -> new Append(in.text(), in.number(), in.number(), in.list(in::entry));
            case 3 -> new DeleteTo(in.text(), in.number(), in.number());
            case 4 -> new SaveSnapshot(in.text(), in.number(), in.number(), in.number(), in.bytes());
            case 5 -> new DeleteSnapshots(in.text(), in.number(), in.range());
            case 6 -> new Part(in.uuid(), in.count(), in.count(), in.bytes());
            case 7 -> new CompareAndSetGeneration(in.number(), in.uuid(), in.text());
            case 8 -> new RegisterNode(in.node(), in.optional(in::uuid));
            case 9 -> new JournalCommand.WishVoters(in.list(in::wish));
            case 10 -> new JournalCommand.ForgetNode(in.uuid());
            default -> throw unknown("command", tag);
        };
    }

    public static Bytes encode(JournalQuery query) {
        return write(out -> {
            switch (query) {
                case JournalQuery.HighestSequenceNr q -> {
                    out.tag(1);
                    out.text(q.persistenceId());
                }
                case Replay q -> {
                    out.tag(2);
                    out.text(q.persistenceId());
                    out.number(q.from());
                    out.number(q.to());
                    out.number(q.max());
                }
                case LoadSnapshot q -> {
                    out.tag(3);
                    out.text(q.persistenceId());
                    out.range(q.range());
                    out.number(q.offset());
                }
                case JournalQuery.CurrentGeneration _ -> out.tag(4);
                case ListNodes _ -> out.tag(5);
                case JournalQuery.LocalStatus _ -> out.tag(6);
                case JournalQuery.ListWishes _ -> out.tag(7);
                case JournalQuery.VoterProgress _ -> out.tag(8);
                case JournalQuery.LoadEvent q -> {
                    out.tag(9);
                    out.text(q.persistenceId());
                    out.number(q.sequenceNr());
                    out.number(q.offset());
                }
                case JournalQuery.FormatLevel _ -> out.tag(10);
                case JournalQuery.VoterStorage q -> {
                    out.tag(11);
                    out.text(q.persistenceId());
                }
            }
        });
    }

    public static JournalQuery decodeQuery(Bytes bytes) throws JournalFormatException {
        return read(bytes, "query", in -> {
            int tag = in.tag();
            return switch (tag) {
                case 1 -> new JournalQuery.HighestSequenceNr(in.text());
                case 2 -> new Replay(in.text(), in.number(), in.number(), in.number());
                case 3 -> new LoadSnapshot(in.text(), in.range(), in.count());
                case 4 -> new JournalQuery.CurrentGeneration();
                case 5 -> new ListNodes();
                case 6 -> new JournalQuery.LocalStatus();
                case 7 -> new JournalQuery.ListWishes();
                case 8 -> new JournalQuery.VoterProgress();
                case 9 -> new JournalQuery.LoadEvent(in.text(), in.number(), in.count());
                case 10 -> new JournalQuery.FormatLevel();
                case 11 -> new JournalQuery.VoterStorage(in.text());
                default -> throw unknown("query", tag);
            };
        });
    }

    public static Bytes encode(JournalReply reply) {
        return write(out -> {
            switch (reply) {
                case EpochClaimed r -> {
                    out.tag(1);
                    out.number(r.epoch());
                    out.number(r.highestSequenceNr());
                }
                case Appended r -> {
                    out.tag(2);
                    out.number(r.highestSequenceNr());
                }
                case Fenced r -> {
                    out.tag(3);
                    out.text(r.reason());
                }
                case Done _ -> out.tag(4);
                case PartStored r -> {
                    out.tag(5);
                    out.number(r.nextIndex());
                }
                case Refused r -> {
                    out.tag(6);
                    out.text(r.reason());
                }
                case JournalReply.HighestSequenceNr r -> {
                    out.tag(7);
                    out.number(r.sequenceNr());
                }
                case ReplayPage r -> {
                    out.tag(8);
                    out.list(r.entries(), out::entry);
                    out.number(r.nextFrom());
                    out.flag(r.complete());
                }
                case SnapshotPage r -> {
                    out.tag(9);
                    out.number(r.sequenceNr());
                    out.number(r.timestamp());
                    out.number(r.totalBytes());
                    out.bytes(r.bytes());
                }
                case NoSnapshot _ -> out.tag(10);
                case GenerationFounded r -> {
                    out.tag(11);
                    out.generation(r.generation());
                }
                case GenerationConflict r -> {
                    out.tag(12);
                    out.optional(r.current(), out::generation);
                }
                case JournalReply.CurrentGeneration r -> {
                    out.tag(13);
                    out.optional(r.generation(), out::generation);
                }
                case NodeRegistered r -> {
                    out.tag(14);
                    out.node(r.node());
                }
                case NameTaken r -> {
                    out.tag(15);
                    out.node(r.holder());
                }
                case Nodes r -> {
                    out.tag(16);
                    out.list(r.nodes(), out::node);
                }
                case Behind r -> {
                    out.tag(18);
                    out.number(r.appliedIndex());
                }
                case JournalReply.FormatLevel r -> {
                    out.tag(22);
                    out.number(r.level());
                }
                case JournalReply.Wishes r -> {
                    out.tag(19);
                    out.list(r.wishes(), out::wish);
                }
                case JournalReply.VoterProgress r -> {
                    out.tag(20);
                    out.text(r.peerId());
                    out.number(r.appliedIndex());
                    out.number(r.committedIndex());
                    out.number(r.snapshotIndex());
                    out.number(r.logBytes());
                    out.flag(r.settled());
                    out.list(r.voters(), out::peer);
                }
                case JournalReply.EventPage r -> {
                    out.tag(21);
                    out.number(r.sequenceNr());
                    out.number(r.totalBytes());
                    out.bytes(r.bytes());
                }
                case JournalReply.VoterStorage r -> {
                    out.tag(23);
                    out.number(r.logBytes());
                    out.number(r.snapshotBytes());
                    out.stored(r.journal());
                }
                case JournalReply.LocalStatus r -> {
                    out.tag(17);
                    out.text(r.peerId());
                    out.optional(r.leaderId(), out::text);
                    out.number(r.term());
                    out.number(r.configurationIndex());
                    out.list(r.voters(), out::peer);
                    out.number(r.appliedIndex());
                    out.optional(r.generation(), out::generation);
                    out.bytes(r.nodeAnswer());
                }
            }
        });
    }

    public static JournalReply decodeReply(Bytes bytes) throws JournalFormatException {
        return read(bytes, "reply", in -> {
            int tag = in.tag();
            return switch (tag) {
                case 1 -> new EpochClaimed(in.number(), in.number());
                case 2 -> new Appended(in.number());
                case 3 -> new Fenced(in.text());
                case 4 -> new Done();
                case 5 -> new PartStored(in.count());
                case 6 -> new Refused(in.text());
                case 7 -> new JournalReply.HighestSequenceNr(in.number());
                case 8 -> new ReplayPage(in.list(in::entry), in.number(), in.flag());
                case 9 -> new SnapshotPage(in.number(), in.number(), in.count(), in.bytes());
                case 10 -> new NoSnapshot();
                case 11 -> new GenerationFounded(in.generation());
                case 12 -> new GenerationConflict(in.optional(in::generation));
                case 13 -> new JournalReply.CurrentGeneration(in.optional(in::generation));
                case 14 -> new NodeRegistered(in.node());
                case 15 -> new NameTaken(in.node());
                case 16 -> new Nodes(in.list(in::node));
                case 17 -> new JournalReply.LocalStatus(in.text(), in.optional(in::text), in.number(), in.number(),
                        in.list(in::peer), in.number(), in.optional(in::generation), in.bytes());
                case 18 -> new Behind(in.number());
                case 19 -> new JournalReply.Wishes(in.list(in::wish));
                case 20 -> new JournalReply.VoterProgress(in.text(), in.number(), in.number(), in.number(), in.number(),
                        in.flag(), in.list(in::peer));
                case 21 -> new JournalReply.EventPage(in.number(), in.count(), in.bytes());
                case 22 -> new JournalReply.FormatLevel(in.count());
                case 23 -> new JournalReply.VoterStorage(in.number(), in.number(), in.stored());
                default -> throw unknown("reply", tag);
            };
        });
    }
}
