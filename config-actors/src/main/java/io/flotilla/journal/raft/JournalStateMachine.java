package io.flotilla.journal.raft;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.apache.ratis.io.MD5Hash;
import org.apache.ratis.proto.RaftProtos.LogEntryProto;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.Message;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SnapshotManagementRequest;
import org.apache.ratis.rpc.CallId;
import org.apache.ratis.server.RaftConfiguration;
import org.apache.ratis.server.DivisionInfo;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.protocol.TermIndex;
import org.apache.ratis.server.raftlog.RaftLog;
import org.apache.ratis.server.storage.FileInfo;
import org.apache.ratis.server.storage.RaftStorage;
import org.apache.ratis.server.storage.RaftStorageDirectory;
import org.apache.ratis.statemachine.StateMachineStorage;
import org.apache.ratis.statemachine.TransactionContext;
import org.apache.ratis.statemachine.impl.BaseStateMachine;
import org.apache.ratis.statemachine.impl.SimpleStateMachineStorage;
import org.apache.ratis.statemachine.impl.SingleFileSnapshotInfo;
import org.apache.ratis.thirdparty.com.google.protobuf.ByteString;
import org.apache.ratis.util.FileUtils;
import org.apache.ratis.util.LifeCycle;
import org.apache.ratis.util.MD5FileUtil;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Puts {@link JournalTables} under Raft: decodes log entries, applies them in order on Raft's one applying thread, answers
 * queries on any thread, and keeps snapshots of the tables in checksummed files. Every log entry gets an answer: garbage is
 * refused, in the same way on each voter, rather than stopping the voters one after another. A command of a newer release is not:
 * voters of that release execute it, so this one stops before it instead of parting from them. A leader lets none into the log.
 *
 * <p>Ratis takes snapshots after a number of entries, of whatever size. This asks for one after a number of bytes as well, so that
 * the log on disk is bounded by the larger of that and of what the tables hold.
 */
public final class JournalStateMachine extends BaseStateMachine {
    private static final Logger LOG = LoggerFactory.getLogger(JournalStateMachine.class);
    private static final String WRITING = ".writing";
    private static final Duration SNAPSHOT_REQUEST_TIMEOUT = Duration.ofMinutes(1);

    private final SimpleStateMachineStorage storage = new SimpleStateMachineStorage();
    private final LocalAnswer localAnswer;
    private final long snapshotBytes;
    private final Consumer<Throwable> onLogFailed;
    private volatile JournalTables tables = new JournalTables();
    private Optional<LogWatermark> watermark = Optional.empty();
    private Optional<RaftLog> log = Optional.empty();
    /** Of entries applied since the last snapshot, and of that snapshot. Used by the applying thread only. */
    private long appliedBytes;
    private long lastSnapshotBytes;
    /** One request at a time. */
    private final AtomicBoolean snapshotRequested = new AtomicBoolean();

    /**
     * @param snapshotBytes of entries after which a snapshot is taken, or the size of the last one if that is more
     * @param onLogFailed told once Raft's log can't be written any more; this server won't recover without being reopened
     */
    JournalStateMachine(LocalAnswer localAnswer, long snapshotBytes, Consumer<Throwable> onLogFailed) {
        this.localAnswer = localAnswer;
        this.snapshotBytes = snapshotBytes;
        this.onLogFailed = onLogFailed;
    }

    @Override
    public void initialize(RaftServer server, RaftGroupId groupId, RaftStorage raftStorage) throws IOException {
        super.initialize(server, groupId, raftStorage);
        storage.init(raftStorage);
        deleteUnfinished(raftStorage.getStorageDir());
        getLifeCycle().startAndTransition(this::loadSnapshot, IOException.class);
        watermark = Optional.of(LogWatermark.open(raftStorage.getStorageDir().getRoot().toPath()));
    }

    /** Called when a leader has sent a snapshot: from here to {@link #reinitialize} nothing is applied. */
    @Override
    public void pause() {
        getLifeCycle().transition(LifeCycle.State.PAUSING);
        getLifeCycle().transition(LifeCycle.State.PAUSED);
    }

    @Override
    public void reinitialize() throws IOException {
        storage.loadLatestSnapshot();
        loadSnapshot();
        getLifeCycle().transition(LifeCycle.State.STARTING);
        getLifeCycle().transition(LifeCycle.State.RUNNING);
    }

    /**
     * Snapshots that a stop interrupted: of this voter, and of a leader on their way here. Nobody goes on with them, and each would
     * lie there for ever.
     */
    private static void deleteUnfinished(RaftStorageDirectory directory) throws IOException {
        for (Path received : children(directory.getTmpDir().toPath())) {
            FileUtils.deleteFully(received);
        }
        for (Path written : children(directory.getStateMachineDir().toPath())) {
            if (written.getFileName().toString().endsWith(WRITING)) {
                Files.delete(written);
            }
        }
    }

    private static List<Path> children(Path directory) throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> children = Files.list(directory)) {
            return children.toList();
        }
    }

    private void loadSnapshot() throws IOException {
        SingleFileSnapshotInfo snapshot = storage.getLatestSnapshot();
        if (snapshot == null) {
            return;
        }
        tables = readSnapshot(snapshot.getFile().getPath());
        setLastAppliedTermIndex(snapshot.getTermIndex());
        appliedBytes = 0;
        lastSnapshotBytes = Files.size(snapshot.getFile().getPath());
        LOG.info("Loaded the journal from Raft snapshot {}", snapshot.getFile().getPath());
    }

    /** @throws IOException if the file isn't what was written; the message says which */
    static JournalTables readSnapshot(Path file) throws IOException {
        MD5Hash expected = MD5FileUtil.readStoredMd5ForFile(file.toFile());
        if (expected == null) {
            throw new JournalFormatException("Raft snapshot " + file + " has no checksum beside it");
        }
        if (!expected.equals(MD5FileUtil.computeMd5ForFile(file.toFile()))) {
            throw new JournalFormatException("Raft snapshot " + file + " doesn't have the checksum it was written with");
        }
        try (DataInputStream in = new DataInputStream(new BufferedInputStream(Files.newInputStream(file)))) {
            return JournalTables.readFrom(in, Files.size(file));
        }
    }

    @Override
    public long takeSnapshot() throws IOException {
        TermIndex last = getLastAppliedTermIndex();
        if (last.getIndex() < 0) {
            return RaftLog.INVALID_LOG_INDEX;
        }
        Path file = storage.getSnapshotFile(last.getTerm(), last.getIndex()).toPath();
        MD5Hash digest = writeSnapshot(tables, file);
        storage.updateLatestSnapshot(new SingleFileSnapshotInfo(new FileInfo(file, digest), last.getTerm(), last.getIndex()));
        appliedBytes = 0;
        lastSnapshotBytes = Files.size(file);
        return last.getIndex();
    }

    /** Durably, with its checksum beside it; a crash leaves no half a snapshot under this name. */
    static MD5Hash writeSnapshot(JournalTables tables, Path file) throws IOException {
        Path written = file.resolveSibling(file.getFileName() + WRITING);
        try (FileChannel channel = FileChannel.open(written, StandardOpenOption.CREATE, StandardOpenOption.WRITE,
                StandardOpenOption.TRUNCATE_EXISTING)) {
            DataOutputStream out = new DataOutputStream(new BufferedOutputStream(Channels.newOutputStream(channel), 1 << 16));
            tables.writeTo(out);
            out.flush();
            // The log before this index may be purged at once: the snapshot must be on disk first.
            channel.force(true);
        }
        MD5Hash digest = MD5FileUtil.computeMd5ForFile(written.toFile());
        MD5FileUtil.saveMD5File(file.toFile(), digest);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        syncDirectory(file.getParent());
        return digest;
    }

    /** @param inParts whether a command is still on its way: a snapshot of its parts would be of no use soon, so it may wait */
    private void requestSnapshotIfDue(boolean inParts) {
        long limit = Math.max(snapshotBytes, lastSnapshotBytes) + (inParts ? PartStaging.MAX_BYTES : 0);
        if (appliedBytes < limit || !getServer().isDone()
                || !snapshotRequested.compareAndSet(false, true)) {
            return;
        }
        RaftServer server = getServer().join();
        SnapshotManagementRequest request = SnapshotManagementRequest.newCreate(ClientId.randomId(), server.getId(), getGroupId(),
                CallId.getAndIncrement(), SNAPSHOT_REQUEST_TIMEOUT.toMillis(), 1);
        // Not on the applying thread: taking the request locks the server, and applying must never wait for that.
        Thread.ofVirtual().name("raft-snapshot-request").start(() -> {
            try {
                server.snapshotManagementAsync(request).whenComplete((reply, failure) -> snapshotRequested.set(false));
            } catch (RuntimeException e) {
                snapshotRequested.set(false);
                LOG.debug("No Raft snapshot can be taken now", e);
            }
        });
    }

    static void syncDirectory(Path directory) throws IOException {
        if (File.separatorChar == '\\') {
            return; // Windows can't open a directory, and doesn't need to
        }
        try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
            channel.force(true);
        }
    }

    @Override
    public StateMachineStorage getStateMachineStorage() {
        return storage;
    }

    @Override
    public TransactionContext startTransaction(RaftClientRequest request) throws IOException {
        TransactionContext transaction = super.startTransaction(request);
        try {
            JournalCommand command = JournalCodec.decodeCommand(bytes(request.getMessage().getContent()));
            if (command instanceof JournalCommand.Part part && part.index() == 0) {
                requireKnown(part.bytes());
            }
        } catch (JournalFormatException e) {
            transaction.setException(e);
        }
        return transaction;
    }

    /** The first part tells which command it begins; that it ends too early is as it should be. */
    private static void requireKnown(Bytes begin) throws NewerFormatException {
        try {
            JournalCodec.decodeCommand(begin);
        } catch (NewerFormatException e) {
            throw e;
        } catch (JournalFormatException e) {
            LOG.trace("A command in parts begins", e);
        }
    }

    @Override
    public CompletableFuture<Message> applyTransaction(TransactionContext transaction) {
        LogEntryProto entry = transaction.getLogEntry();
        JournalReply reply;
        try {
            Bytes command = bytes(entry.getStateMachineLogEntry().getLogData());
            reply = tables.apply(JournalCodec.decodeCommand(command));
        } catch (NewerFormatException e) {
            throw tooOld(entry, e);
        } catch (JournalFormatException e) {
            reply = new JournalReply.Refused(e.getMessage());
        } catch (UncheckedIOException e) {
            throw tooOld(entry, e.getCause());
        } catch (RuntimeException e) {
            // A bug, but the same one on each voter: an exception here would close them all and again at each start.
            LOG.error("Log entry {} could not be applied to the journal and was refused. Please report this", entry.getIndex(), e);
            reply = new JournalReply.Refused("The journal failed on this command: " + e);
        }
        applied(entry.getTerm(), entry.getIndex());
        appliedBytes += entry.getSerializedSize();
        requestSnapshotIfDue(reply instanceof JournalReply.PartStored);
        return CompletableFuture.completedFuture(message(reply));
    }

    /** What ends this voter before it applies an entry that it doesn't know; Ratis closes the server on an exception. */
    private IllegalStateException tooOld(LogEntryProto entry, Exception cause) {
        IllegalStateException stop = new IllegalStateException("Log entry " + entry.getIndex() + " was written by a newer Flotilla than "
                + "this node's. Its voter stops here rather than part from the others; install the newer release on this node", cause);
        LOG.error(stop.getMessage(), cause);
        onLogFailed.accept(stop);
        return stop;
    }

    /** Entries of Raft's own: memberships and commit marks. */
    @Override
    public void notifyTermIndexUpdated(long term, long index) {
        applied(term, index);
    }

    private void applied(long term, long index) {
        updateLastAppliedTermIndex(term, index);
        try {
            if (watermark.isPresent() && log().isPresent()) {
                // A majority may have flushed an entry before this voter did; only what it holds itself counts.
                watermark.get().raiseTo(Math.min(index, log().get().getFlushIndex()));
            }
        } catch (IOException e) {
            LOG.warn("The durability watermark at log index {} can't be written. A log that is truncated from now on can't be "
                    + "detected when this node starts again; check the disk", index, e);
            closeWatermark();
        }
    }

    private Optional<RaftLog> log() throws IOException {
        if (log.isEmpty() && getServer().isDone()) {
            log = Optional.of(getServer().join().getDivision(getGroupId()).getRaftLog());
        }
        return log;
    }

    @Override
    public CompletableFuture<Message> query(Message request) {
        JournalReply reply;
        try {
            // Ratis 3.2.2 confirms its leadership only for the first read after a commit, so a deposed leader may answer later ones.
            // The asker therefore names what it has written itself, which such a leader doesn't have.
            ByteBuffer content = request.getContent().asReadOnlyByteBuffer();
            if (content.remaining() < Long.BYTES) {
                throw new JournalFormatException("A question of " + content.remaining() + " bytes is too short");
            }
            long written = content.getLong();
            long applied = getLastAppliedTermIndex().getIndex();
            byte[] bytes = new byte[content.remaining()];
            content.get(bytes);
            JournalQuery query = JournalCodec.decodeQuery(Bytes.owning(bytes));
            reply = switch (query) {
                case JournalQuery.LocalStatus _ -> localStatus();
                case JournalQuery.FormatLevel _ -> new JournalReply.FormatLevel(JournalCodec.LEVEL);
                case JournalQuery.VoterProgress _ -> progress();
                case JournalQuery.VoterStorage q -> storage(q.persistenceId());
                default -> applied < written || leadsButIsNotReady() ? new JournalReply.Behind(applied) : tables.answer(query);
            };
        } catch (IOException e) {
            reply = new JournalReply.Refused(String.valueOf(e.getMessage()));
        }
        return CompletableFuture.completedFuture(message(reply));
    }

    /**
     * Until a leader has applied an entry of its own term it may not have applied all that is committed. Ratis itself makes
     * readers wait for that, but not in a group of one, where it takes what is known to be committed at the start for all of it.
     */
    private boolean leadsButIsNotReady() throws IOException {
        if (!getServer().isDone()) {
            return false;
        }
        DivisionInfo info = getServer().join().getDivision(getGroupId()).getInfo();
        return info.isLeader() && !info.isLeaderReady();
    }

    private JournalReply localStatus() throws IOException {
        RaftServer.Division division = getServer().join().getDivision(getGroupId());
        RaftConfiguration configuration = division.getRaftConf();
        List<VoterPeer> voters = configuration.getCurrentPeers().stream()
                .map(peer -> new VoterPeer(peer.getId().toString(), peer.getAddress()))
                .toList();
        Optional<RaftPeerId> leader = Optional.ofNullable(division.getInfo().getLeaderId());
        return new JournalReply.LocalStatus(getId().toString(), leader.map(RaftPeerId::toString),
                division.getInfo().getCurrentTerm(), configuration.getLogEntryIndex(), voters,
                getLastAppliedTermIndex().getIndex(), tables.generation(), localAnswer.answer());
    }

    private JournalReply progress() throws IOException {
        RaftServer.Division division = getServer().join().getDivision(getGroupId());
        RaftConfiguration configuration = division.getRaftConf();
        long committed = division.getRaftLog().getLastCommittedIndex();
        boolean settled = configuration.getPreviousPeers().isEmpty() && configuration.getLogEntryIndex() <= committed;
        SingleFileSnapshotInfo snapshot = storage.getLatestSnapshot();
        return new JournalReply.VoterProgress(getId().toString(), getLastAppliedTermIndex().getIndex(),
                committed, snapshot == null ? -1 : snapshot.getIndex(),
                bytesIn(division.getRaftStorage().getStorageDir().getCurrentDir()), settled,
                configuration.getCurrentPeers().stream().map(RatisCalls::voter).toList());
    }

    JournalReply.VoterStorage storage(String persistenceId) throws IOException {
        RaftStorageDirectory directory = getServer().join().getDivision(getGroupId()).getRaftStorage().getStorageDir();
        return new JournalReply.VoterStorage(bytesIn(directory.getCurrentDir()), bytesIn(directory.getStateMachineDir()),
                tables.stored(persistenceId));
    }

    /** Segments are closed, renamed and purged meanwhile, and a directory of snapshots is replaced by one that a leader sent. */
    private static long bytesIn(File directory) throws IOException {
        long bytes = 0;
        try {
            for (Path file : children(directory.toPath())) {
                try {
                    bytes += Files.size(file);
                } catch (NoSuchFileException e) {
                    LOG.debug("{} went while it was counted", file);
                }
            }
        } catch (NoSuchFileException e) {
            LOG.debug("{} went while it was counted", directory);
        }
        return bytes;
    }

    @Override
    public void notifyLogFailed(Throwable cause, LogEntryProto failedEntry) {
        LOG.error("The Raft log can't be written. This voter is out of service until it is reopened; check the disk", cause);
        onLogFailed.accept(cause);
    }

    @Override
    public void notifyServerShutdown(RoleInfoProto role, boolean allServers) {
        closeWatermark();
    }

    @Override
    public void close() {
        closeWatermark();
    }

    private synchronized void closeWatermark() {
        watermark.ifPresent(open -> {
            try {
                open.close();
            } catch (IOException e) {
                LOG.debug("The durability watermark couldn't be closed", e);
            }
        });
        watermark = Optional.empty();
    }

    /** What the tables are now, for tests and for the voter's own use. */
    JournalTables tables() {
        return tables;
    }

    /** A query, after the log index that whoever asks has written up to. */
    static Message question(long written, JournalQuery query) {
        Bytes bytes = JournalCodec.encode(query);
        byte[] question = ByteBuffer.allocate(Long.BYTES + bytes.size()).putLong(written).put(bytes.asByteBuffer()).array();
        return Message.valueOf(ByteString.copyFrom(question));
    }

    static Message message(JournalReply reply) {
        return message(JournalCodec.encode(reply));
    }

    static Message message(Bytes bytes) {
        return Message.valueOf(ByteString.copyFrom(bytes.asByteBuffer()));
    }

    static Bytes bytes(ByteString content) {
        return Bytes.owning(content.toByteArray());
    }
}
