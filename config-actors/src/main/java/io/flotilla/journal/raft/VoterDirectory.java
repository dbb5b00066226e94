package io.flotilla.journal.raft;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.server.RaftServerConfigKeys.Log.CorruptionPolicy;
import org.apache.ratis.server.raftlog.segmented.LogSegment;
import org.apache.ratis.server.raftlog.segmented.LogSegmentPath;
import org.apache.ratis.statemachine.impl.SimpleStateMachineStorage;
import org.apache.ratis.util.FileUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a voter left on disk, judged before Ratis sees it, because Ratis drops a partial tail silently and formats what is missing.
 *
 * <p>The peer id is in a file inside the group's directory: whoever wipes that directory also wipes the identity under which
 * the lost entries were voted for. The directory is only judged here; {@link RaftVoter} decides what to do about it.
 */
final class VoterDirectory {
    private static final Logger LOG = LoggerFactory.getLogger(VoterDirectory.class);
    static final String PEER_FILE = "flotilla-peer";
    /** Ends the name of a directory that becomes a group's when a voter returns in it. */
    static final String JOINING = ".joining";
    /** Ends the name of a directory that becomes a group's when its lineage is begun. */
    static final String RECOVERING = ".recovering";
    private static final String LOSS_FILE = "flotilla-lost";
    private static final Pattern SEGMENT = Pattern.compile("log_(?:inprogress_(\\d+)|(\\d+)-(\\d+))");
    private static final DateTimeFormatter TIMESTAMP = DateTimeFormatter.ofPattern("yyyyMMdd-HHmmss-SSS");

    sealed interface Contents {}

    record Empty() implements Contents {}

    /** @param alone whether the stored membership is this voter only */
    record Usable(UUID clusterId, Identity identity, boolean alone) implements Contents {}

    record Damaged(UUID clusterId, String reason) implements Contents {}

    /** Its bytes can't be had, which may pass, as for a failing disk or missing rights; whether they are whole nobody knows. */
    record Unreadable(UUID clusterId, String reason) implements Contents {}

    /**
     * Who the voter in a directory is.
     *
     * @param founding whether its cluster is not founded yet, so that nothing can have been acknowledged there
     */
    record Identity(String peerId, String address, boolean founding) {
        Identity {
            Objects.requireNonNull(peerId);
            Objects.requireNonNull(address);
        }
    }

    private VoterDirectory() {}

    static Path group(Path directory, UUID clusterId) {
        return directory.resolve(clusterId.toString());
    }

    /** @throws IOException if it can't be judged: in use by another process, of a newer release, unreadable, or of several clusters */
    static Contents inspect(Path directory) throws IOException {
        Optional<UUID> newest = newestGroup(directory);
        if (newest.isEmpty()) {
            return new Empty();
        }
        UUID clusterId = newest.get();
        Path group = group(directory, clusterId);
        refuseIfLocked(group);
        Optional<Identity> identity = readIdentity(group);
        if (identity.isEmpty()) {
            return new Damaged(clusterId, "the peer id in " + group.resolve(PEER_FILE) + " is missing or unreadable");
        }
        try {
            return new Usable(clusterId, identity.get(), checkLog(group));
        } catch (NewerFormatException e) {
            throw e;
        } catch (IOException | RuntimeException e) {
            return firstUnreadable(group).<Contents>map(reason -> new Unreadable(clusterId, reason))
                    .orElseGet(() -> new Damaged(clusterId, String.valueOf(e.getMessage())));
        }
    }

    /** What can't be read of all that is stored, by whatever kind of failure; empty if each byte can be. */
    private static Optional<String> firstUnreadable(Path group) {
        AtomicReference<Path> last = new AtomicReference<>(group);
        try (Stream<Path> files = Files.walk(group)) {
            for (Path file : (Iterable<Path>) files::iterator) {
                last.set(file);
                if (!Files.isDirectory(file) || SEGMENT.matcher(file.getFileName().toString()).matches()) {
                    try (InputStream in = Files.newInputStream(file)) {
                        in.transferTo(OutputStream.nullOutputStream());
                    }
                }
            }
            return Optional.empty();
        } catch (IOException | UncheckedIOException e) {
            return Optional.of(last.get() + " can't be read: " + e.getMessage());
        }
    }

    /** The group that counts: a recovery that was interrupted leaves the one it replaces beside it. */
    static Optional<UUID> newestGroup(Path directory) throws IOException {
        List<UUID> groups = groups(directory);
        Optional<UUID> newest = groups.stream().max(Comparator.comparingInt(id -> new Lineage(id).number()));
        if (newest.isPresent() && !groups.stream().allMatch(
                id -> id.equals(newest.get()) || new Lineage(newest.get()).replaces(new Lineage(id)))) {
            throw new IOException(directory + " holds the Raft logs of several clusters (" + groups + "): move those that this "
                    + "node doesn't belong to out of it");
        }
        return newest;
    }

    /** Finishes or takes back what a crash interrupted: a founding, a return under a new peer id, a recovery. */
    static void settle(Path directory) throws IOException {
        for (UUID id : groups(directory)) {
            Path group = group(directory, id);
            if (readIdentity(group).filter(Identity::founding).isPresent()) {
                refuseIfLocked(group);
                LOG.warn("Founding cluster {} was interrupted, so it doesn't exist; {} is deleted", id, group);
                FileUtils.deleteFully(group);
            }
        }
        for (Path joining : children(directory, JOINING)) {
            String name = joining.getFileName().toString();
            Path group = joining.resolveSibling(name.substring(0, name.length() - JOINING.length()));
            if (Files.exists(group) || readIdentity(joining).isEmpty()) {
                FileUtils.deleteFully(joining);
            } else {
                Files.move(joining, group, StandardCopyOption.ATOMIC_MOVE);
            }
        }
        deleteBegun(directory);
        setAsideFormer(directory);
    }

    /** Deletes what recoveries that did not come to their end have written. */
    static void deleteBegun(Path directory) throws IOException {
        for (Path recovering : children(directory, RECOVERING)) {
            FileUtils.deleteFully(recovering);
        }
    }

    private static List<Path> children(Path directory, String suffix) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(directory)) {
            return children.filter(child -> child.getFileName().toString().endsWith(suffix)).toList();
        }
    }

    /** Puts away the groups that the newest one replaces. */
    static void setAsideFormer(Path directory) throws IOException {
        Optional<UUID> newest = newestGroup(directory);
        for (UUID id : groups(directory)) {
            if (!newest.equals(Optional.of(id))) {
                LOG.info("The journal of the former lineage {} is kept in {}, and can be deleted", id,
                        setAside(group(directory, id), "superseded"));
            }
        }
    }

    private static List<UUID> groups(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        List<UUID> groups = new ArrayList<>();
        try (Stream<Path> children = Files.list(directory)) {
            for (Path child : children.filter(Files::isDirectory).toList()) {
                String name = child.getFileName().toString();
                try {
                    UUID id = UUID.fromString(name);
                    if (id.toString().equals(name)) {
                        groups.add(id);
                    }
                } catch (IllegalArgumentException e) {
                    LOG.debug("{} isn't a Raft group", child);
                }
            }
        }
        return groups;
    }

    static void refuseIfLocked(Path group) throws IOException {
        Path file = group.resolve("in_use.lock");
        if (!Files.exists(file)) {
            return;
        }
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE); FileLock lock = channel.tryLock()) {
            if (lock == null) {
                throw new IOException(group + " is in use by another process: two voters can't share a Raft directory");
            }
        } catch (OverlappingFileLockException e) {
            throw new IOException(group + " is in use by another voter in this process: close it first", e);
        }
    }

    /**
     * Reads all that is stored.
     *
     * @return whether the membership is this voter only
     * @throws IOException if anything is unreadable, or if the log ends before the watermark
     */
    private static boolean checkLog(Path group) throws IOException {
        Path current = group.resolve("current");
        if (!Files.exists(current.resolve("raft-meta"))) {
            throw new IOException(current.resolve("raft-meta") + " is missing");
        }
        AtomicInteger members = new AtomicInteger(membersFrom(current.resolve("raft-meta.conf")));
        AtomicLong last = new AtomicLong(checkSnapshot(group.resolve("sm")));
        for (Segment segment : segments(current)) {
            if (segment.first() > last.get() + 1) {
                throw new IOException("The log has a gap: after index " + last + " comes " + segment.path());
            }
            readSegment(segment, last, members);
        }
        OptionalLong watermark = LogWatermark.read(group);
        if (watermark.isPresent() && last.get() < watermark.getAsLong()) {
            throw new IOException("The log in " + current + " ends at index " + last + ", but it has been on disk up to index "
                    + watermark.getAsLong() + ": it was truncated, or restored from an older copy");
        }
        return members.get() <= 1;
    }

    /** @param end empty for the segment that was being written */
    record Segment(Path path, long first, OptionalLong end) {}

    static List<Segment> segments(Path current) throws IOException {
        List<Segment> segments = new ArrayList<>();
        try (Stream<Path> files = Files.list(current)) {
            for (Path file : files.toList()) {
                Matcher matcher = SEGMENT.matcher(file.getFileName().toString());
                if (matcher.matches()) {
                    segments.add(matcher.group(1) != null
                            ? new Segment(file, Long.parseLong(matcher.group(1)), OptionalLong.empty())
                            : new Segment(file, Long.parseLong(matcher.group(2)), OptionalLong.of(Long.parseLong(matcher.group(3)))));
                }
            }
        }
        segments.sort(Comparator.comparingLong(Segment::first));
        return segments;
    }

    private static void readSegment(Segment segment, AtomicLong last, AtomicInteger members) throws IOException {
        try {
            LogSegment.readSegmentFile(segment.path().toFile(), LogSegmentPath.matchLogSegment(segment.path()).getStartEnd(),
                    RatisProperties.ENTRY_MAX, CorruptionPolicy.EXCEPTION, null, entry -> {
                        last.accumulateAndGet(entry.getIndex(), Math::max);
                        if (entry.hasConfigurationEntry()) {
                            members.set(entry.getConfigurationEntry().getPeersCount());
                        }
                    });
        } catch (IOException | IllegalStateException e) {
            // A loss of power can tear the entry that was being written. Alone there is nobody to fetch the log from, so what
            // was certainly flushed is enough; with others, a fresh copy of theirs is safer.
            if (segment.end().isEmpty() && members.get() <= 1) {
                LOG.warn("{} is readable up to index {} only; what follows is taken for a write that a crash interrupted",
                        segment.path(), last, e);
                return;
            }
            throw new IOException(segment.path() + " is damaged after index " + last + ": " + e.getMessage(), e);
        }
        if (segment.end().isPresent() && last.get() < segment.end().getAsLong()) {
            throw new IOException(segment.path() + " ends too early, at index " + last);
        }
    }

    private static int membersFrom(Path file) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        try (InputStream in = Files.newInputStream(file)) {
            return LogEntryProto.parseFrom(in).getConfigurationEntry().getPeersCount();
        }
    }

    /** @return the index of the newest snapshot, -1 if there is none */
    private static long checkSnapshot(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return -1;
        }
        long newest = -1;
        Path file = null;
        try (Stream<Path> files = Files.list(directory)) {
            for (Path candidate : files.toList()) {
                Matcher matcher = SimpleStateMachineStorage.SNAPSHOT_REGEX.matcher(candidate.getFileName().toString());
                if (matcher.matches() && Long.parseLong(matcher.group(2)) > newest) {
                    newest = Long.parseLong(matcher.group(2));
                    file = candidate;
                }
            }
        }
        if (file != null) {
            JournalStateMachine.readSnapshot(file);
        }
        return newest;
    }

    static Optional<Identity> readIdentity(Path group) throws IOException {
        Path file = group.resolve(PEER_FILE);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        Properties properties = new Properties();
        try {
            properties.load(new StringReader(Files.readString(file)));
        } catch (IllegalArgumentException | CharacterCodingException e) {
            LOG.warn("{} is damaged", file, e);
            return Optional.empty();
        }
        String peerId = properties.getProperty("id");
        String address = properties.getProperty("address");
        if (peerId == null || address == null) {
            return Optional.empty();
        }
        return Optional.of(new Identity(peerId, address, Boolean.parseBoolean(properties.getProperty("founding"))));
    }

    /** Durably, and all or nothing. */
    static void writeIdentity(Path group, Identity identity) throws IOException {
        Files.createDirectories(group);
        Properties properties = new Properties();
        properties.setProperty("id", identity.peerId());
        properties.setProperty("address", identity.address());
        properties.setProperty("founding", String.valueOf(identity.founding()));
        StringWriter text = new StringWriter();
        properties.store(text, "This voter's identity in the Raft group. Never copy it to another machine.");
        Path written = group.resolve(PEER_FILE + ".writing");
        try (FileChannel channel = FileChannel.open(written, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            ByteBuffer bytes = StandardCharsets.UTF_8.encode(text.toString());
            while (bytes.hasRemaining()) {
                channel.write(bytes);
            }
            channel.force(true);
        }
        Files.move(written, group.resolve(PEER_FILE), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    /** Keeps why nobody can admit the voter in a directory. */
    static void writeLoss(Path group, String why) throws IOException {
        Files.writeString(group.resolve(LOSS_FILE), why);
    }

    static Optional<String> readLoss(Path group) throws IOException {
        Path file = group.resolve(LOSS_FILE);
        return Files.exists(file) ? Optional.of(Files.readString(file)) : Optional.empty();
    }

    /** Renames a group's directory so that nothing will use it again, and nothing in it is lost. */
    static Path setAside(Path group, String why) throws IOException {
        return Files.move(group, aside(group, why), StandardCopyOption.ATOMIC_MOVE);
    }

    /** The name that a group's directory would be set aside under. */
    static Path aside(Path group, String why) {
        return group.resolveSibling(group.getFileName() + "." + why + "-" + LocalDateTime.now(ZoneOffset.UTC).format(TIMESTAMP));
    }
}
