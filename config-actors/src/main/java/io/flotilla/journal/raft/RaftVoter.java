package io.flotilla.journal.raft;

import io.flotilla.journal.raft.VoterDirectory.Identity;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroup;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.server.storage.RaftStorage.StartupOption;
import org.apache.ratis.util.ExitUtils;
import org.apache.ratis.util.FileUtils;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * This process's member of the Raft group, and with it a copy of the journal on this disk.
 *
 * <p>It is founded (a group of one), joins (knows the group but can't vote until a leader admits it), or is opened from what its
 * directory holds. A directory whose log is shorter than it once was isn't trusted: its voter could vote an acknowledged change
 * away. It is set aside, and the voter comes back under a new peer id, without a vote.
 *
 * <p>Starting, changing the membership and closing block; call them on a virtual thread. The questions answer at once, on any
 * thread. After {@link #close} a new one can be opened on the same directory in the same process.
 */
public final class RaftVoter implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RaftVoter.class);
    private static final Duration MEMBERSHIP_CALL_TIMEOUT = Duration.ofSeconds(30);

    static {
        // Ratis ends the process when a port is taken, and makes itself the judge of all uncaught exceptions.
        Thread.UncaughtExceptionHandler before = Thread.getDefaultUncaughtExceptionHandler();
        ExitUtils.disableSystemExit();
        ExitUtils.setTerminateOnUncaughtException(false);
        Thread.setDefaultUncaughtExceptionHandler(before);
    }

    /** How a voter came to be. */
    public enum Start {
        /** A new group of one. */
        FOUNDED,
        /** A new member, waiting for a leader to admit it. */
        JOINING,
        /** As it was. */
        REOPENED,
        /** What it had couldn't be trusted, or its address changed; a new member, waiting for a leader to admit it. */
        RETURNING
    }

    private final UUID clusterId;
    private final VoterPeer self;
    private final Start start;
    private final Optional<Path> setAside;
    private final Optional<String> loss;
    private final RaftServer server;
    private final RaftServer.Division division;
    private final AtomicReference<Throwable> failure;
    private final Optional<RaftTls> tls;
    private final AtomicBoolean closed = new AtomicBoolean();

    private RaftVoter(UUID clusterId, VoterPeer self, Start start, Optional<Path> setAside, Optional<String> loss, RaftServer server,
                      AtomicReference<Throwable> failure, Optional<RaftTls> tls) throws IOException {
        this.loss = loss;
        this.clusterId = clusterId;
        this.self = self;
        this.start = start;
        this.setAside = setAside;
        this.server = server;
        this.division = server.getDivision(RaftGroupId.valueOf(clusterId));
        this.failure = failure;
        this.tls = tls;
    }

    /**
     * The cluster whose log a directory holds, if it holds any, usable or not. What a crash interrupted there is finished or taken
     * back first, so no voter may be open in it.
     */
    public static Optional<UUID> clusterIn(Path directory) throws IOException {
        VoterDirectory.settle(directory);
        return VoterDirectory.newestGroup(directory);
    }

    /**
     * Founds a Raft group of one, and returns when it leads.
     *
     * @throws IOException if the directory already holds a log, the port is taken, or the disk fails
     */
    public static RaftVoter found(RaftSettings settings, UUID clusterId, LocalAnswer localAnswer) throws IOException {
        refuseIfHeld(settings, "a new cluster can't be founded over it");
        RaftSettings bound = withFreePort(settings, Optional.empty());
        Identity identity = new Identity(UUID.randomUUID().toString(), bound.advertisedAddress(), true);
        VoterDirectory.writeIdentity(VoterDirectory.group(settings.directory(), clusterId), identity);
        VoterPeer self = new VoterPeer(identity.peerId(), identity.address());
        RaftGroup group = RaftGroup.valueOf(RaftGroupId.valueOf(clusterId), RatisCalls.peer(self));
        RaftVoter voter = start(bound, clusterId, self, Start.FOUNDED, Optional.empty(), group, true, localAnswer);
        try {
            voter.awaitLeading(Duration.ofSeconds(30));
            VoterDirectory.writeIdentity(VoterDirectory.group(settings.directory(), clusterId),
                    new Identity(identity.peerId(), identity.address(), false));
        } catch (IOException | RuntimeException e) {
            voter.close();
            throw e;
        }
        return voter;
    }

    private static void refuseIfHeld(RaftSettings settings, String why) throws IOException {
        Optional<UUID> held = clusterIn(settings.directory());
        if (held.isPresent()) {
            throw new IOException(settings.directory() + " already holds the log of cluster " + held.get() + ": " + why);
        }
    }

    /** Starts a member without a vote; a leader must admit it with {@link #addVoter}. */
    public static RaftVoter join(RaftSettings settings, UUID clusterId, LocalAnswer localAnswer) throws IOException {
        refuseIfHeld(settings, "open it, or empty the directory first");
        return joinAs(Start.JOINING, withFreePort(settings, Optional.empty()), clusterId, Optional.empty(), Optional.empty(), localAnswer);
    }

    /**
     * Begins a member without a vote. What has to be kept about it is on disk before a former journal gives way to it, so that a
     * full disk moves nothing.
     *
     * @param aside where the former journal goes
     */
    private static RaftVoter joinAs(Start start, RaftSettings bound, UUID clusterId, Optional<Path> aside,
                                    Optional<String> loss, LocalAnswer localAnswer) throws IOException {
        Identity identity = new Identity(UUID.randomUUID().toString(), bound.advertisedAddress(), false);
        Path group = VoterDirectory.group(bound.directory(), clusterId);
        Path joining = group.resolveSibling(clusterId + VoterDirectory.JOINING);
        FileUtils.deleteFully(joining);
        VoterDirectory.writeIdentity(joining, identity);
        if (loss.isPresent()) {
            VoterDirectory.writeLoss(joining, loss.get());
        }
        if (aside.isPresent()) {
            Files.move(group, aside.get(), StandardCopyOption.ATOMIC_MOVE);
        }
        Files.move(joining, group, StandardCopyOption.ATOMIC_MOVE);
        return start(bound, clusterId, new VoterPeer(identity.peerId(), identity.address()), start, aside,
                RaftGroup.valueOf(RaftGroupId.valueOf(clusterId)), false, localAnswer);
    }

    /**
     * Opens what the directory holds; {@link #start()} says what was made of it.
     *
     * @throws IOException if the directory holds nothing, another process uses it, the port is taken, or the disk fails
     */
    public static RaftVoter open(RaftSettings settings, LocalAnswer localAnswer) throws IOException {
        VoterDirectory.settle(settings.directory());
        return switch (VoterDirectory.inspect(settings.directory())) {
            case VoterDirectory.Empty _ -> throw new IOException(settings.directory() + " holds no Raft log to open");
            case VoterDirectory.Damaged damaged -> rejoin(settings, damaged.clusterId(), damaged.reason(), localAnswer);
            case VoterDirectory.Unreadable unreadable -> {
                if (!JournalRecovery.hasOthers(VoterDirectory.group(settings.directory(), unreadable.clusterId()))) {
                    throw new IOException("no other voter is known to hold this journal, so it is left where it is: " + unreadable.reason()
                            + ". Setting it aside would lose the history, and what no boot cache holds. Mend the disk or the rights to the "
                            + "file, and this node goes on; if that can't be, restore " + settings.directory() + " from a copy that is not "
                            + "older, or stop this node and let 'flotilla node --recover-alone' start again from what is left");
                }
                yield rejoin(settings, unreadable.clusterId(), unreadable.reason(), localAnswer);
            }
            case VoterDirectory.Usable usable -> reopen(settings, usable, localAnswer);
        };
    }

    /** Sets aside what can't be trusted, and begins anew as a member that the others have to admit. */
    private static RaftVoter rejoin(RaftSettings settings, UUID clusterId, String reason, LocalAnswer localAnswer) throws IOException {
        RaftSettings bound = withFreePort(settings, Optional.empty());
        Path group = VoterDirectory.group(settings.directory(), clusterId);
        Path aside = VoterDirectory.aside(group, "damaged");
        Optional<String> loss = JournalRecovery.onlyVoterIn(group)
                ? Optional.of("this node was the only voter, and its journal can't be trusted: " + reason + ". It was moved to " + aside)
                : Optional.empty();
        RaftVoter returned = joinAs(Start.RETURNING, bound, clusterId, Optional.of(aside), loss, localAnswer);
        LOG.warn("The Raft log of cluster {} can't be trusted: {}. It was moved to {}, and this voter returns as a new member, "
                + "without a vote until the leader admits it", clusterId, reason, aside);
        loss.ifPresent(why -> LOG.error("{}. No other voter holds the configuration: restore that directory from a copy, or stop "
                + "this node and let 'flotilla node --recover-alone' start again from what is left", why));
        return returned;
    }

    private static RaftVoter reopen(RaftSettings settings, VoterDirectory.Usable usable, LocalAnswer localAnswer) throws IOException {
        Identity identity = usable.identity();
        RaftSettings bound = withFreePort(settings, Optional.of(identity.address()));
        if (!identity.address().equals(bound.advertisedAddress())) {
            if (!usable.alone()) {
                Path aside = VoterDirectory.aside(VoterDirectory.group(settings.directory(), usable.clusterId()), "moved");
                RaftVoter returned = joinAs(Start.RETURNING, bound, usable.clusterId(), Optional.of(aside), Optional.empty(), localAnswer);
                LOG.warn("The Raft address of this voter changed from {} to {}. Raft knows a member by its address, so it returns as a "
                        + "new member, without a vote until the leader admits it; its old log is in {}", identity.address(),
                        bound.advertisedAddress(), aside);
                return returned;
            }
            LOG.warn("The Raft address of this only voter changed from {} to {}. It works alone, but other nodes will look for it at the "
                    + "old address. If it moved for good, stop it and run 'flotilla node --recover-alone' with the new address once",
                    identity.address(), bound.advertisedAddress());
        }
        return start(bound, usable.clusterId(), new VoterPeer(identity.peerId(), bound.advertisedAddress()), Start.REOPENED,
                Optional.empty(), RaftGroup.valueOf(RaftGroupId.valueOf(usable.clusterId())), usable.alone(), localAnswer);
    }

    private static RaftVoter start(RaftSettings settings, UUID clusterId, VoterPeer self, Start start, Optional<Path> setAside,
                                   RaftGroup group, boolean alone, LocalAnswer localAnswer) throws IOException {
        RaftProperties properties = RatisProperties.server(settings);
        if (alone) {
            // Nobody else could be leading, so there is nobody to wait for.
            RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMin(properties, RatisProperties.time(Duration.ofMillis(20)));
            RaftServerConfigKeys.Rpc.setFirstElectionTimeoutMax(properties, RatisProperties.time(Duration.ofMillis(40)));
        }
        AtomicReference<Throwable> failure = new AtomicReference<>();
        RaftServer server = RaftServer.newBuilder()
                .setServerId(RaftPeerId.valueOf(self.id()))
                .setGroup(group)
                // Formats what holds only the identity; VoterDirectory has made sure that nothing else is formatted.
                .setOption(StartupOption.RECOVER)
                .setProperties(properties)
                .setParameters(settings.tls().map(SecuredGrpc::parameters).orElseGet(Parameters::new))
                .setStateMachine(new JournalStateMachine(
                        localAnswer, settings.snapshotBytes(), cause -> failure.compareAndSet(null, cause)))
                .build();
        try {
            server.start();
            RaftVoter voter = new RaftVoter(clusterId, self, start, setAside,
                    VoterDirectory.readLoss(VoterDirectory.group(settings.directory(), clusterId)), server, failure, settings.tls());
            LOG.info("Voter {} of cluster {} is {}", self, clusterId, start);
            return voter;
        } catch (IOException | RuntimeException e) {
            try {
                server.close();
            } catch (IOException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw new IOException("The Raft server of this voter can't be started on " + settings.bindHost() + ":" + settings.port()
                    + " with " + settings.directory() + ": " + e.getMessage(), e);
        }
    }

    /**
     * Checks that the port is free, because Ratis would end the process over it. With port 0 it takes the one of the last time if
     * that is free, so that the address in the stored membership stays right, or else any.
     */
    private static RaftSettings withFreePort(RaftSettings settings, Optional<String> lastAddress) throws IOException {
        if (settings.port() == 0 && lastAddress.isPresent()) {
            int last = Integer.parseInt(lastAddress.get().substring(lastAddress.get().lastIndexOf(':') + 1));
            try {
                return settings.withPort(bindOnce(settings.bindHost(), last));
            } catch (IOException e) {
                LOG.debug("The Raft port of the last time, {}, isn't free", last, e);
            }
        }
        try {
            return settings.withPort(bindOnce(settings.bindHost(), settings.port()));
        } catch (IOException e) {
            throw new IOException("The Raft port " + settings.bindHost() + ":" + settings.port() + " can't be opened ("
                    + e.getMessage() + "): stop what uses it, or set flotilla.raft.port to another one", e);
        }
    }

    private static int bindOnce(String host, int port) throws IOException {
        try (ServerSocket socket = new ServerSocket()) {
            socket.setReuseAddress(true);
            socket.bind(new InetSocketAddress(InetAddress.getByName(host), port));
            return socket.getLocalPort();
        }
    }

    private void awaitLeading(Duration timeout) throws IOException {
        long deadline = System.nanoTime() + timeout.toNanos();
        while (!(division.getInfo().isLeader() && division.getInfo().isLeaderReady())) {
            if (System.nanoTime() > deadline || !isRunning()) {
                throw new IOException("The new voter didn't become the leader of its group of one within " + timeout.toSeconds()
                        + " s; is the disk slow or full?");
            }
            pause(Duration.ofMillis(5));
        }
    }

    private static void pause(Duration time) throws IOException {
        try {
            Thread.sleep(time);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while the Raft group was changing", e);
        }
    }

    /**
     * Moves what a voter has kept aside, so that nothing uses it again and nothing is lost. Close the voter first.
     *
     * @param why one word for the name of where it goes
     * @return where it went; empty if there was nothing
     */
    public static Optional<Path> setAside(Path directory, UUID clusterId, String why) throws IOException {
        Path group = VoterDirectory.group(directory, clusterId);
        return Files.exists(group) ? Optional.of(VoterDirectory.setAside(group, why)) : Optional.empty();
    }

    public UUID clusterId() {
        return clusterId;
    }

    Optional<RaftTls> tls() {
        return tls;
    }

    public VoterPeer self() {
        return self;
    }

    public Start start() {
        return start;
    }

    /** Where the directory went that couldn't be used, if {@link Start#RETURNING}. */
    public Optional<Path> setAside() {
        return setAside;
    }

    /** Why no other voter can admit this one, if it was the only one and lost its journal. */
    public Optional<String> loss() {
        return loss;
    }

    /** Whether this voter leads now and can take commands. */
    public boolean isLeader() {
        return isRunning() && division.getInfo().isLeader() && division.getInfo().isLeaderReady();
    }

    /** False once it was closed, or closed itself, or its log can't be written: then close it and open another. */
    public boolean isRunning() {
        return !closed.get() && failure.get() == null && division.getInfo().isAlive()
                && !server.getLifeCycleState().isClosingOrClosed();
    }

    /** Whether it stopped before a command of a newer release: opened again, it would stop there again. */
    public boolean isTooOld() {
        return failure().map(Throwable::getCause).filter(NewerFormatException.class::isInstance).isPresent();
    }

    /** Why it doesn't run, if its log failed. */
    public Optional<Throwable> failure() {
        return Optional.ofNullable(failure.get());
    }

    /** The leader as far as this voter knows. */
    public Optional<VoterPeer> leader() {
        RaftPeerId leader = division.getInfo().getLeaderId();
        return leader == null ? Optional.empty()
                : voters().stream().filter(voter -> voter.id().equals(leader.toString())).findFirst();
    }

    /** The membership as far as this voter knows; empty while it is waiting to be admitted. */
    public List<VoterPeer> voters() {
        return division.getRaftConf().getCurrentPeers().stream().map(RatisCalls::voter)
                .sorted(Comparator.comparing(VoterPeer::id)).toList();
    }

    /** Whether it is in the membership, as far as it knows. */
    public boolean isAdmitted() {
        return voters().stream().anyMatch(voter -> voter.id().equals(self.id()));
    }

    /**
     * Gives a running member a vote, through the leader, and returns when it has caught up and the new membership is committed.
     * One at a time: the leader refuses while another change is under way.
     *
     * @throws IOException if there is no leader, the new voter can't be reached, or the change was refused; the message says which
     */
    public void addVoter(VoterPeer added) throws IOException {
        List<VoterPeer> current = voters();
        if (current.stream().anyMatch(voter -> voter.id().equals(added.id()))) {
            return;
        }
        List<VoterPeer> next = new ArrayList<>(current);
        next.add(added);
        change(current, next, "Voter " + added + " can't be added");
    }

    /** Takes a voter's vote away, through the leader. It may be dead, or the leader itself. */
    public void removeVoter(String peerId) throws IOException {
        List<VoterPeer> current = voters();
        List<VoterPeer> next = current.stream().filter(voter -> !voter.id().equals(peerId)).toList();
        if (next.isEmpty()) {
            throw new IOException("The last voter can't be removed: it holds the only copy of the configuration");
        }
        if (next.size() < current.size()) {
            change(current, next, "Voter " + peerId + " can't be removed");
        }
    }

    private void change(List<VoterPeer> current, List<VoterPeer> next, String failed) throws IOException {
        VoterPeer leader = leader().orElseThrow(() -> new IOException(failed + ": there is no Raft leader now"));
        try (RatisCalls calls = new RatisCalls(clusterId, MEMBERSHIP_CALL_TIMEOUT, tls)) {
            var request = calls.compareAndSetVoters(leader, current, next);
            RaftClientReply reply = leader.id().equals(self.id())
                    ? await(server.setConfigurationAsync(request), MEMBERSHIP_CALL_TIMEOUT)
                    : calls.call(leader, request);
            if (!reply.isSuccess()) {
                throw new IOException(String.valueOf(reply.getException().getMessage()), reply.getException());
            }
        } catch (IOException e) {
            throw new IOException(failed + " (by leader " + leader + "): " + e.getMessage(), e);
        }
    }

    /**
     * Hands the leadership to another voter, if this one has it; best effort, for an orderly stop.
     *
     * @return whether somebody else leads now, or did before
     */
    public boolean transferLeadership(Duration timeout) {
        if (!isRunning() || !division.getInfo().isLeader()) {
            return true;
        }
        List<VoterPeer> others = new ArrayList<>(voters().stream().filter(voter -> !voter.id().equals(self.id())).toList());
        // Two that both want to be rid of it must not hand it to each other for ever.
        Collections.shuffle(others);
        long deadline = System.nanoTime() + timeout.toNanos();
        try (RatisCalls calls = new RatisCalls(clusterId, timeout, tls)) {
            for (VoterPeer other : others) {
                Duration left = Duration.ofNanos(deadline - System.nanoTime()).dividedBy(2);
                if (left.toMillis() < 1) {
                    return false;
                }
                TransferLeadershipRequest request = calls.transferLeadership(self, other, left);
                if (await(server.transferLeadershipAsync(request), left.plusMillis(100)).isSuccess()) {
                    return true;
                }
            }
        } catch (IOException e) {
            LOG.info("The Raft leadership couldn't be handed over: {}. The others will elect a leader when this one is gone", e.getMessage());
        }
        return false;
    }

    /**
     * Asks the leader to hand its leadership over to this voter, so that a writer beside it has the short way. Commands that come
     * meanwhile wait for a moment.
     *
     * @return whether this voter leads now; false if there is no leader, or if this voter is behind
     */
    public boolean takeLeadership(Duration timeout) {
        if (!isRunning() || isLeader()) {
            return isRunning();
        }
        Optional<VoterPeer> leader = Optional.ofNullable(division.getInfo().getLeaderId())
                .flatMap(id -> voters().stream().filter(voter -> voter.id().equals(id.toString())).findFirst());
        if (leader.isEmpty()) {
            return false;
        }
        try (RatisCalls calls = new RatisCalls(clusterId, timeout.plusMillis(100), tls)) {
            return calls.call(leader.get(), calls.transferLeadership(leader.get(), self, timeout)).isSuccess();
        } catch (IOException e) {
            LOG.debug("The Raft leadership couldn't be taken over", e);
            return false;
        }
    }

    /** The short way for a client in this process: no loopback, no copy. */
    RaftClientReply call(RaftClientRequest request, Duration timeout) throws IOException {
        return await(server.submitClientRequestAsync(request), timeout);
    }

    private static RaftClientReply await(CompletableFuture<RaftClientReply> reply, Duration timeout) throws IOException {
        try {
            return reply.get(timeout.toMillis(), TimeUnit.MILLISECONDS);
        } catch (ExecutionException e) {
            throw e.getCause() instanceof IOException io ? io : new IOException(e.getCause());
        } catch (TimeoutException e) {
            throw new IOException("No answer within " + timeout.toMillis() + " ms", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("Interrupted while waiting for the Raft group", e);
        }
    }

    /**
     * What this voter holds of a persistence id, and on disk. Reads two directories; waits for nothing else.
     *
     * @throws IOException if the directories can't be read
     */
    public JournalReply.VoterStorage storage(String persistenceId) throws IOException {
        return stateMachine().storage(persistenceId);
    }

    JournalStateMachine stateMachine() {
        return (JournalStateMachine) division.getStateMachine();
    }

    /** Stops this member; the log stays. The others go on if they are a majority. Idempotent. */
    @Override
    public void close() {
        if (!closed.compareAndSet(false, true)) {
            return;
        }
        try {
            server.close();
        } catch (IOException | RuntimeException e) {
            LOG.warn("Voter {} didn't stop cleanly; its log is safe", self, e);
        }
    }
}
