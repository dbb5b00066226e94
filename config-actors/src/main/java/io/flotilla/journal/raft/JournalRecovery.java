package io.flotilla.journal.raft;

import io.flotilla.journal.raft.VoterDirectory.Identity;
import io.flotilla.journal.raft.VoterDirectory.Segment;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.UUID;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RaftConfigurationProto;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.statemachine.impl.SimpleStateMachineStorage;
import org.apache.ratis.util.FileUtils;
import org.apache.ratis.util.ProtoUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is left of a voter's journal on its disk, and how that voter begins a new {@link Lineage} with it, alone, when the
 * others are lost. Offline: no voter may have the directory open. All that can be read counts, also entries of which nobody can
 * tell any more whether a majority had them: losing an acknowledged change would be worse than keeping an unacknowledged one.
 * The former journal is only read, and set aside in the end, so a recovery can be done again.
 */
public final class JournalRecovery {
    private static final Logger LOG = LoggerFactory.getLogger(JournalRecovery.class);
    /** The group's own directory, or one that was set aside because it was damaged or its voter moved. */
    private static final Pattern REMAINS = Pattern.compile("([0-9a-f-]{36})(\\.(?:damaged|moved)-[0-9-]+)?");
    private static final long FIRST_TERM = 1;

    /**
     * A journal as far as it can be read.
     *
     * @param index of its last readable log entry
     * @param term of that entry
     * @param lastWritten when its files were written last, by their file system
     * @param voters the last membership it knows; empty if that can't be read
     * @param self the voter it belongs to; empty if that can't be read
     * @param damage why it ends where it ends, if it went on once
     * @param inPlace whether it is where a voter opens it, and was not set aside
     */
    public record Remains(Path directory, Lineage lineage, long index, long term, Optional<Instant> lastWritten,
                          List<VoterPeer> voters, Optional<VoterPeer> self, Optional<String> damage, boolean inPlace) {
        public Remains {
            voters = List.copyOf(voters);
        }

        /** Whether there is nobody else in its membership. */
        public boolean isAlone() {
            return self.isPresent() && voters.stream().allMatch(voter -> voter.id().equals(self.get().id())) && !voters.isEmpty();
        }
    }

    private static final Comparator<Remains> BEST = Comparator.<Remains>comparingInt(one -> one.lineage().number())
            .thenComparingLong(Remains::term).thenComparingLong(Remains::index);

    private final Path group;
    private JournalTables tables = new JournalTables();
    private long index = -1;
    private long term;
    private long membershipIndex = -1;
    private List<VoterPeer> voters = List.of();
    private Optional<String> damage = Optional.empty();

    private JournalRecovery(Path group) {
        this.group = group;
    }

    /**
     * The journals in a Raft directory that hold anything, the most advanced first.
     *
     * @throws IOException if the directory can't be read, is in use, or a newer release wrote what is in it
     */
    public static List<Remains> find(Path raftDirectory) throws IOException {
        if (!Files.isDirectory(raftDirectory)) {
            return List.of();
        }
        List<Remains> found = new ArrayList<>();
        try (Stream<Path> children = Files.list(raftDirectory)) {
            for (Path child : children.filter(Files::isDirectory).sorted().toList()) {
                Matcher name = REMAINS.matcher(child.getFileName().toString());
                if (name.matches()) {
                    remains(child, new Lineage(UUID.fromString(name.group(1))), name.group(2) == null).ifPresent(found::add);
                }
            }
        }
        found.sort(BEST.reversed());
        return found;
    }

    private static Optional<Remains> remains(Path group, Lineage lineage, boolean inPlace) throws IOException {
        VoterDirectory.refuseIfLocked(group);
        Optional<Identity> identity = VoterDirectory.readIdentity(group);
        JournalRecovery read = read(group);
        if (read.index < 0 || identity.filter(Identity::founding).isPresent()) {
            return Optional.empty();
        }
        return Optional.of(new Remains(group, lineage, read.index, read.term, lastWritten(group), read.voters,
                identity.map(known -> new VoterPeer(known.peerId(), known.address())), read.damage, inPlace));
    }

    /** Whether a journal that was set aside belonged to the only voter, as far as it can still be read. */
    static boolean onlyVoterIn(Path group) {
        try {
            return read(group).voters.size() == 1;
        } catch (IOException e) {
            LOG.warn("The membership in {} can't be read", group, e);
            return false;
        }
    }

    /** Whether a journal surely has more voters than one, as far as it can be read. */
    static boolean hasOthers(Path group) {
        try {
            return read(group).voters.size() > 1;
        } catch (IOException e) {
            LOG.warn("The membership in {} can't be read", group, e);
            return false;
        }
    }

    /**
     * Begins a lineage of which one new voter is the only member. When this returns, the directory is one that
     * {@link RaftVoter#open} opens, and the journals of former lineages in it are set aside.
     *
     * @param former the newest lineage that the node knows of
     * @param from the journal to go on from; empty to begin with an empty one
     * @param address host:port of the voter's Raft server
     * @throws IOException if the disk fails; the former journal is then still in its place, and the recovery can be repeated
     */
    public static Lineage begin(Path raftDirectory, Lineage former, Optional<Remains> from, String address) throws IOException {
        Lineage lineage = former.next();
        VoterDirectory.deleteBegun(raftDirectory);
        JournalTables tables = new JournalTables();
        long term = FIRST_TERM;
        long index = 0;
        if (from.isPresent()) {
            JournalRecovery read = read(from.get().directory());
            tables = read.tables;
            term = Math.max(read.term, FIRST_TERM);
            index = read.index;
        }
        VoterPeer self = new VoterPeer(UUID.randomUUID().toString(), address);
        Path written = raftDirectory.resolve(lineage + VoterDirectory.RECOVERING);
        Path current = Files.createDirectories(written.resolve("current"));
        Path snapshots = Files.createDirectories(written.resolve("sm"));
        // What a follower holds that was sent a snapshot and no log after it.
        JournalStateMachine.writeSnapshot(tables, snapshots.resolve(SimpleStateMachineStorage.getSnapshotFileName(term, index)));
        write(current.resolve("raft-meta"), ("term=" + term + "\nvotedFor=" + self.id() + "\n").getBytes(StandardCharsets.UTF_8));
        write(current.resolve("raft-meta.conf"), LogEntryProto.newBuilder().setTerm(term).setIndex(index)
                .setConfigurationEntry(RaftConfigurationProto.newBuilder().addPeers(RatisCalls.peer(self).getRaftPeerProto()))
                .build().toByteArray());
        JournalStateMachine.syncDirectory(current);
        VoterDirectory.writeIdentity(written, new Identity(self.id(), self.address(), false));
        JournalStateMachine.syncDirectory(written);
        Files.move(written, VoterDirectory.group(raftDirectory, lineage.id()), StandardCopyOption.ATOMIC_MOVE);
        JournalStateMachine.syncDirectory(raftDirectory);
        VoterDirectory.setAsideFormer(raftDirectory);
        return lineage;
    }

    private static void write(Path file, byte[] content) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(content);
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
    }

    private static Optional<Instant> lastWritten(Path group) throws IOException {
        Optional<Instant> last = Optional.empty();
        for (Path directory : List.of(group.resolve("current"), group.resolve("sm"))) {
            if (Files.isDirectory(directory)) {
                try (Stream<Path> files = Files.list(directory)) {
                    for (Path file : files.filter(one -> one.getFileName().toString().matches("(log_|snapshot\\.).*")).toList()) {
                        Instant written = Files.getLastModifiedTime(file).toInstant();
                        last = last.filter(written::isBefore).or(() -> Optional.of(written));
                    }
                }
            }
        }
        return last;
    }

    private static JournalRecovery read(Path group) throws IOException {
        JournalRecovery read = new JournalRecovery(group);
        read.readMembership();
        read.readSnapshot();
        read.readLog();
        OptionalLong watermark = LogWatermark.read(group);
        if (watermark.isPresent() && read.index < watermark.getAsLong() && read.damage.isEmpty()) {
            read.damage = Optional.of("it ends at index " + read.index + ", but it has been on disk up to index " + watermark.getAsLong());
        }
        return read;
    }

    private void readMembership() throws IOException {
        Path file = group.resolve("current").resolve("raft-meta.conf");
        if (Files.exists(file)) {
            try (InputStream in = Files.newInputStream(file)) {
                membership(LogEntryProto.parseFrom(in));
            } catch (IOException e) {
                LOG.warn("The membership in {} can't be read: {}", file, e.getMessage());
            }
        }
    }

    private void membership(LogEntryProto entry) {
        if (entry.getIndex() >= membershipIndex) {
            membershipIndex = entry.getIndex();
            List<RaftPeer> peers = ProtoUtils.toRaftPeers(entry.getConfigurationEntry().getPeersList());
            voters = peers.stream().map(RatisCalls::voter).toList();
        }
    }

    private record SnapshotFile(Path path, long term, long index) {}

    /** The newest that is whole; what is missing between an older one and the log ends the journal there. */
    private void readSnapshot() throws IOException {
        List<SnapshotFile> files = new ArrayList<>();
        Path directory = group.resolve("sm");
        if (Files.isDirectory(directory)) {
            try (Stream<Path> children = Files.list(directory)) {
                for (Path file : children.toList()) {
                    Matcher name = SimpleStateMachineStorage.SNAPSHOT_REGEX.matcher(file.getFileName().toString());
                    if (name.matches()) {
                        files.add(new SnapshotFile(file, Long.parseLong(name.group(1)), Long.parseLong(name.group(2))));
                    }
                }
            }
        }
        files.sort(Comparator.comparingLong(SnapshotFile::index).reversed());
        for (SnapshotFile file : files) {
            try {
                tables = JournalStateMachine.readSnapshot(file.path());
                index = file.index();
                term = file.term();
                return;
            } catch (NewerFormatException e) {
                throw e;
            } catch (IOException | RuntimeException e) {
                damage = Optional.of(file.path() + " is damaged: " + e.getMessage());
            }
        }
    }

    private void readLog() throws IOException {
        Path current = group.resolve("current");
        if (!Files.isDirectory(current)) {
            return;
        }
        for (Segment segment : VoterDirectory.segments(current)) {
            if (segment.first() > index + 1) {
                damage = Optional.of("after index " + index + " comes " + segment.path());
                return;
            }
            try {
                LogSegment.readSegmentFile(segment.path().toFile(), LogSegmentPath.matchLogSegment(segment.path()).getStartEnd(),
                        RatisProperties.ENTRY_MAX, CorruptionPolicy.EXCEPTION, null, this::take);
            } catch (UncheckedIOException e) {
                throw new IOException(group + " was written by a newer Flotilla than this one; recover with that release", e.getCause());
            } catch (IOException | IllegalStateException e) {
                // Behind what was certainly flushed it is a write that a crash interrupted.
                OptionalLong watermark = LogWatermark.read(group);
                if (segment.end().isPresent() || watermark.isEmpty() || index < watermark.getAsLong()) {
                    damage = Optional.of(segment.path() + " is damaged after index " + index + ": " + e.getMessage());
                }
                return;
            }
            if (segment.end().isPresent() && index < segment.end().getAsLong()) {
                damage = Optional.of(segment.path() + " ends too early, at index " + index);
                return;
            }
        }
    }

    private void take(LogEntryProto entry) {
        if (entry.hasConfigurationEntry()) {
            membership(entry);
        }
        if (entry.getIndex() <= index) {
            return;
        }
        if (entry.getIndex() > index + 1) {
            throw new IllegalStateException("index " + entry.getIndex() + " follows index " + index);
        }
        if (entry.hasStateMachineLogEntry()) {
            try {
                tables.apply(JournalCodec.decodeCommand(JournalStateMachine.bytes(entry.getStateMachineLogEntry().getLogData())));
            } catch (NewerFormatException e) {
                throw new UncheckedIOException(e);
            } catch (UncheckedIOException e) {
                throw e;
            } catch (JournalFormatException | RuntimeException e) {
                LOG.debug("Entry {} was refused by all voters", entry.getIndex(), e);
            }
        }
        index = entry.getIndex();
        term = entry.getTerm();
    }
}
