package io.flotilla.journal.raft;

import io.flotilla.journal.raft.JournalReply.LocalStatus;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.security.cert.CertificateException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import java.util.stream.Collectors;
import javax.net.ssl.SSLException;
import org.apache.ratis.proto.RaftProtos.RaftPeerRole;
import org.apache.ratis.proto.RaftProtos.RoleInfoProto;
import org.apache.ratis.protocol.GroupInfoReply;
import org.apache.ratis.protocol.GroupListReply;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.exceptions.LeaderNotReadyException;
import org.apache.ratis.protocol.exceptions.LeaderSteppingDownException;
import org.apache.ratis.protocol.exceptions.NotLeaderException;
import org.apache.ratis.protocol.exceptions.ServerNotReadyException;
import org.apache.ratis.protocol.exceptions.StateMachineException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The client side of the Raft group, on voters and on nodes that aren't.
 *
 * <p>A command goes only to a voter that is believed to lead; who leads is asked first, with a question that writes nothing. So
 * when no leader is found, certainly nothing was written ({@link QuorumUnavailableException}); once a command was sent and the
 * answer didn't come, it may have been ({@link OutcomeUnknownException}). Within the deadline a command is repeated under the
 * same call id, which Ratis answers once. When this process's own voter leads, commands take the short way to it.
 *
 * <p>Methods return at once and are safe for all threads; the waiting is done on virtual threads, bounded in number. Stages
 * complete on such a thread.
 */
public final class RaftQuorum implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(RaftQuorum.class);
    /** A longer command travels in parts of this size. */
    static final int PART_BYTES = 64 * 1024;
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(1);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(10);
    private static final Duration LONGEST_PAUSE = Duration.ofMillis(200);

    /** The voters as last heard, with the log index of that membership. */
    private record Membership(long index, List<VoterPeer> voters) {
        Membership {
            voters = List.copyOf(voters);
        }

        Optional<VoterPeer> voter(String id) {
            return voters.stream().filter(voter -> voter.id().equals(id)).findFirst();
        }
    }

    /** How one call to one voter ended. */
    sealed interface Attempt {}

    private record Answered(JournalReply reply) implements Attempt {}

    record Failed(String what, boolean mayBeWritten, Throwable cause) implements Attempt {}

    private final UUID clusterId;
    private final QuorumSettings settings;
    private final RatisCalls calls;
    private final ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor();
    private final Semaphore outstanding;
    private final AtomicReference<Membership> membership;
    private final AtomicReference<Optional<VoterPeer>> leader = new AtomicReference<>(Optional.empty());
    /** The log index of the last command committed through this client; its own queries must see it. */
    private final AtomicLong written = new AtomicLong();
    /** One refresh of the membership at a time. */
    private final AtomicBoolean refreshing = new AtomicBoolean();
    private final AtomicReference<Optional<RaftVoter>> local = new AtomicReference<>(Optional.empty());

    /** @param peers some voters at least; the others are learnt from them */
    public RaftQuorum(UUID clusterId, List<VoterPeer> peers, QuorumSettings settings) {
        this.clusterId = clusterId;
        this.settings = settings;
        this.calls = new RatisCalls(clusterId, settings.callTimeout(), settings.tls());
        this.outstanding = new Semaphore(settings.maxOutstanding());
        this.membership = new AtomicReference<>(new Membership(-1, peers));
    }

    /** A quorum that starts from this process's own voter, and speaks to the others as that does. */
    public static RaftQuorum of(RaftVoter voter, QuorumSettings settings) {
        RaftQuorum quorum = new RaftQuorum(voter.clusterId(), List.of(voter.self()), settings.withTls(voter.tls()));
        quorum.useLocal(Optional.of(voter));
        return quorum;
    }

    /** Names this process's own voter, another one after it was reopened, or none. The voter isn't closed by this quorum. */
    public void useLocal(Optional<RaftVoter> voter) {
        local.set(voter);
    }

    public UUID clusterId() {
        return clusterId;
    }

    /** The voters as last heard. */
    public List<VoterPeer> voters() {
        return membership.get().voters();
    }

    /**
     * Commits a command, unless a voter says that it is too old to execute it.
     *
     * @return the state machine's answer, or Refused; fails with {@link QuorumUnavailableException} if nothing was written, and with
     *     {@link OutcomeUnknownException} if it may have been
     */
    public CompletionStage<JournalReply> submit(JournalCommand command) {
        return onThread(() -> {
            Optional<String> tooOld = voterBelow(command.level());
            if (tooOld.isPresent()) {
                return new JournalReply.Refused(tooOld.get());
            }
            Queue<Bytes> parts = JournalCodec.encodeInParts(command, PART_BYTES);
            if (parts.size() == 1) {
                return commit(parts.remove());
            }
            UUID upload = UUID.randomUUID();
            int count = parts.size();
            for (int i = 0; ; i++) {
                JournalReply reply = commit(JournalCodec.encode(new JournalCommand.Part(upload, i, count, parts.remove())));
                if (i == count - 1 || !(reply instanceof JournalReply.PartStored)) {
                    return reply;
                }
            }
        });
    }

    /**
     * Asks the leader. The answer holds all that was committed through this client before, and what others committed unless the
     * leader has just been deposed without knowing it. So who must know everything writes first: a recovery claims its epoch.
     */
    public CompletionStage<JournalReply> query(JournalQuery query) {
        return onThread(() -> read(query));
    }

    /** Asks one voter for its own view, which may be behind; no leader is needed. One try, within the call timeout. */
    public CompletionStage<JournalReply> queryPeer(VoterPeer peer, JournalQuery query) {
        return onThread(() -> switch (attempt(peer, calls.staleRead(peer, query), settings.callTimeout())) {
            case Answered answered -> {
                learn(answered.reply());
                yield answered.reply();
            }
            case Failed failed -> throw new QuorumUnavailableException("Voter " + peer + " doesn't answer: " + failed.what(), failed.cause());
        });
    }

    /**
     * Asks all voters, since one that can't execute a command would part from the others. Release 1 doesn't know the question. A
     * voter that is silent isn't waited for: a dead one must be removable; should it be older, it stops when it reads the command.
     */
    Optional<String> voterBelow(int level) throws InterruptedException {
        if (level == 1) {
            return Optional.empty();
        }
        if (local.get().isEmpty() && membership.get().index() < 0) {
            askForLeader(new Retry());
        }
        List<VoterPeer> asked = local.get().filter(RaftVoter::isAdmitted).map(RaftVoter::voters).orElseGet(this::voters);
        JournalQuery question = new JournalQuery.FormatLevel();
        List<CompletableFuture<Optional<String>>> answers = asked.stream().map(voter -> CompletableFuture.supplyAsync(() ->
                switch (attempt(voter, calls.staleRead(voter, question), settings.callTimeout())) {
                    case Answered(JournalReply.FormatLevel known) when known.level() >= level -> Optional.<String>empty();
                    case Answered _ -> Optional.of("voter " + voter + " runs an older Flotilla that doesn't know this command; upgrade "
                            + "all voters first. Nothing was changed");
                    case Failed _ -> Optional.<String>empty();
                }, threads)).toList();
        return answers.stream().map(CompletableFuture::join).flatMap(Optional::stream).findFirst();
    }

    private interface Work {
        JournalReply run() throws IOException, InterruptedException;
    }

    private CompletionStage<JournalReply> onThread(Work work) {
        CompletableFuture<JournalReply> result = new CompletableFuture<>();
        if (!outstanding.tryAcquire()) {
            result.completeExceptionally(new QuorumUnavailableException("More than " + settings.maxOutstanding()
                    + " commands wait for the Raft group; nothing was written", null));
            return result;
        }
        try {
            threads.execute(() -> {
                try {
                    JournalReply reply = work.run();
                    outstanding.release();
                    result.complete(reply);
                } catch (InterruptedException e) {
                    outstanding.release();
                    result.completeExceptionally(new OutcomeUnknownException("The Raft client was closed while a command was under way", e));
                } catch (IOException | RuntimeException e) {
                    outstanding.release();
                    result.completeExceptionally(e);
                }
            });
        } catch (RejectedExecutionException e) {
            outstanding.release();
            result.completeExceptionally(new QuorumUnavailableException("The Raft client is closed; nothing was written", e));
        }
        return result;
    }

    private JournalReply commit(Bytes command) throws InterruptedException {
        long callId = calls.nextCallId();
        Retry retry = new Retry();
        Optional<Failed> unknown = Optional.empty();
        Optional<Failed> last = Optional.empty();
        while (retry.goesOn()) {
            Optional<VoterPeer> to = believedLeader(retry);
            if (to.isPresent()) {
                switch (attempt(to.get(), calls.write(to.get(), callId, command), retry.callTimeout())) {
                    case Answered answered -> {
                        return requireCertain(answered.reply(), unknown);
                    }
                    case Failed failed -> {
                        last = Optional.of(failed);
                        unknown = failed.mayBeWritten() ? last : unknown;
                        leader.compareAndSet(to, Optional.empty());
                    }
                }
            }
            retry.pause();
        }
        if (unknown.isPresent()) {
            throw new OutcomeUnknownException("The change may or may not have been written: no answer within "
                    + settings.deadline().toMillis() + " ms; " + unknown.get().what() + "; voters tried: " + voters(), unknown.get().cause());
        }
        throw unavailable("Nothing was written", last);
    }

    /** Who is told of the fence may rely on it that nothing was written; but an earlier try may have been, before somebody claimed. */
    static JournalReply requireCertain(JournalReply reply, Optional<Failed> earlier) {
        if (reply instanceof JournalReply.Fenced fenced && earlier.isPresent()) {
            throw new OutcomeUnknownException("The change may or may not have been written: " + earlier.get().what()
                    + "; tried again: " + fenced.reason(), earlier.get().cause());
        }
        return reply;
    }

    private JournalReply read(JournalQuery query) throws InterruptedException {
        Retry retry = new Retry();
        Optional<Failed> last = Optional.empty();
        while (retry.goesOn()) {
            Optional<VoterPeer> to = believedLeader(retry);
            if (to.isPresent()) {
                switch (attempt(to.get(), calls.read(to.get(), written.get(), query), retry.callTimeout())) {
                    case Answered answered -> {
                        return answered.reply();
                    }
                    case Failed failed -> {
                        last = Optional.of(failed);
                        leader.compareAndSet(to, Optional.empty());
                    }
                }
            }
            retry.pause();
        }
        throw unavailable("The journal can't be read", last);
    }

    private QuorumUnavailableException unavailable(String what, Optional<Failed> last) {
        return new QuorumUnavailableException(what + ": no Raft leader answered within " + settings.deadline().toMillis()
                + " ms; a majority of these voters must run and reach each other: " + voters()
                + last.map(failed -> "; last: " + failed.what()).orElse(""), last.map(Failed::cause).orElse(null));
    }

    private Optional<VoterPeer> believedLeader(Retry retry) throws InterruptedException {
        Optional<RaftVoter> own = local.get().filter(RaftVoter::isLeader);
        if (own.isPresent()) {
            return own.map(RaftVoter::self);
        }
        Optional<VoterPeer> known = leader.get();
        return known.isPresent() ? known : askForLeader(retry);
    }

    /** Asks all voters at the same time, since some may be dead; the first that names a leader is believed. */
    private Optional<VoterPeer> askForLeader(Retry retry) throws InterruptedException {
        List<CompletableFuture<Optional<VoterPeer>>> answers = new ArrayList<>();
        CompletableFuture<Optional<VoterPeer>> first = new CompletableFuture<>();
        JournalQuery question = new JournalQuery.LocalStatus();
        for (VoterPeer voter : voters()) {
            answers.add(CompletableFuture.supplyAsync(() -> {
                Attempt attempt = attempt(voter, calls.staleRead(voter, question), retry.callTimeout());
                Optional<VoterPeer> named = attempt instanceof Answered(LocalStatus status) ? learn(status) : Optional.empty();
                named.ifPresent(found -> first.complete(named));
                return named;
            }, threads));
        }
        CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new)).whenComplete((done, failed) -> first.complete(Optional.empty()));
        try {
            Optional<VoterPeer> named = first.get(Math.max(1, retry.left().toMillis()), TimeUnit.MILLISECONDS);
            leader.set(named);
            return named;
        } catch (TimeoutException | ExecutionException e) {
            LOG.debug("No voter names a leader", e);
            return Optional.empty();
        }
    }

    private Optional<VoterPeer> learn(JournalReply reply) {
        if (!(reply instanceof LocalStatus status)) {
            return Optional.empty();
        }
        Membership heard = new Membership(status.configurationIndex(), status.voters());
        if (!heard.voters().isEmpty()) {
            membership.updateAndGet(known -> heard.index() > known.index() ? heard : known);
        }
        return status.leaderId().flatMap(heard::voter);
    }

    private Attempt attempt(VoterPeer to, RaftClientRequest request, Duration timeout) {
        boolean write = !request.isReadOnly();
        try {
            Optional<RaftVoter> own = local.get().filter(voter -> voter.isRunning() && voter.self().id().equals(to.id()));
            RaftClientReply reply = own.isPresent() ? own.get().call(request, timeout) : calls.call(to, request);
            if (reply.isSuccess()) {
                refreshIfOthersAreNamed(to, reply);
                if (write) {
                    written.accumulateAndGet(reply.getLogIndex(), Math::max);
                }
                return switch (JournalCodec.decodeReply(JournalStateMachine.bytes(reply.getMessage().getContent()))) {
                    case JournalReply.Behind behind -> new Failed(to + " is behind, at log index " + behind.appliedIndex(), false, null);
                    case JournalReply answer -> new Answered(answer);
                };
            }
            if (reply.getException() instanceof StateMachineException refusal) {
                return new Answered(new JournalReply.Refused("voter " + to + " refused the command: " + refusal.getMessage()));
            }
            return failed(to, write, reply.getException());
        } catch (IOException | RuntimeException e) {
            return failed(to, write, e);
        }
    }

    /** Each answer names members, for free. If one is unknown, asks for the whole membership, in the background. */
    private void refreshIfOthersAreNamed(VoterPeer from, RaftClientReply reply) {
        Set<String> named = reply.getCommitInfos().stream().map(info -> info.getServer().getId().toStringUtf8()).collect(Collectors.toSet());
        Set<String> known = voters().stream().map(VoterPeer::id).collect(Collectors.toSet());
        if (!known.containsAll(named) && refreshing.compareAndSet(false, true)) {
            queryPeer(from, new JournalQuery.LocalStatus()).whenComplete((status, failure) -> refreshing.set(false));
        }
    }

    private static Failed failed(VoterPeer voter, boolean write, Throwable cause) {
        boolean refused = cause instanceof LeaderNotReadyException || cause instanceof LeaderSteppingDownException
                || cause instanceof ServerNotReadyException || RatisCalls.neverArrived(cause);
        // "Not the leader" may also be said about a command that was written before the leader was deposed.
        String what = cause instanceof NotLeaderException ? voter + " doesn't lead any more" : voter + ": " + cause.getMessage();
        return new Failed(what, write && !refused, cause);
    }

    /** The time that one command or query has, and the pauses in it. */
    private final class Retry {
        private final long deadline = System.nanoTime() + settings.deadline().toNanos();
        private Duration pause = FIRST_PAUSE;

        boolean goesOn() {
            return left().isPositive();
        }

        Duration left() {
            return Duration.ofNanos(deadline - System.nanoTime());
        }

        Duration callTimeout() {
            Duration left = left();
            return left.compareTo(settings.callTimeout()) < 0 ? left : settings.callTimeout();
        }

        void pause() throws InterruptedException {
            Duration left = left();
            if (left.isPositive()) {
                Thread.sleep(pause.compareTo(left) < 0 ? pause : left);
            }
            pause = pause.multipliedBy(2).compareTo(LONGEST_PAUSE) < 0 ? pause.multipliedBy(2) : LONGEST_PAUSE;
        }
    }

    /**
     * Asks an address what is there, blocking for at most about twice the timeout, where nothing can be reached for a second; a
     * closed port is answered at once.
     *
     * @param timeout for each of two answers; the first of a process that has just started needs seconds on a busy machine
     * @param tls as voters would have it. Whoever speaks only with it, or only without it, may be one whose settings differ, so it is
     *     taken for one that does not answer
     */
    public static Discovery discover(String host, int port, Duration timeout, Optional<RaftTls> tls) {
        try (Socket socket = new Socket()) {
            socket.connect(new InetSocketAddress(host, port), Math.toIntExact(Math.min(timeout.toMillis(), CONNECT_TIMEOUT.toMillis())));
        } catch (IOException | IllegalArgumentException e) {
            return new Discovery.Nothing(HostPort.format(host, port) + " can't be reached: " + e.getMessage());
        }
        VoterPeer unknown = new VoterPeer("unknown-" + UUID.randomUUID(), HostPort.format(host, port));
        try (RatisCalls calls = new RatisCalls(new UUID(0, 1), timeout, tls)) {
            GroupListReply groups = calls.groups(unknown);
            for (RaftGroupId group : groups.getGroupIds()) {
                return voter(group.getUuid(), unknown, calls.group(unknown, group));
            }
            return new Discovery.Nothing("A Raft server listens at " + unknown.address() + " but is in no group");
        } catch (IOException | RuntimeException e) {
            if (RatisCalls.timedOut(e)) {
                return new Discovery.Silent("What listens at " + unknown.address() + " doesn't answer within " + timeout.toMillis() + " ms; start or stop it");
            }
            return notUnderstood(unknown.address(), host, port, timeout, tls, e);
        }
    }

    private static Discovery notUnderstood(String address, String host, int port, Duration timeout, Optional<RaftTls> tls, Exception e) {
        Optional<SSLException> refused = RatisCalls.refusal(e);
        if (tls.isPresent() && refused.isPresent()) {
            return new Discovery.Silent("What listens at " + address + " isn't known by the cluster's TLS: "
                    + refused.get().getMessage()
                    + (refused.get().getCause() instanceof CertificateException ? "" : "; if it is a node, set flotilla.cluster-tls alike"));
        }
        return switch (tls.isPresent() ? TlsProbe.Finding.NO_TLS : TlsProbe.find(host, port, timeout)) {
            case TLS -> new Discovery.Silent("What listens at " + address + " speaks TLS, and this node does not; set flotilla.cluster-tls alike");
            case NO_ANSWER -> new Discovery.Silent("What listens at " + address + " is no voter in clear, and doesn't say within "
                    + timeout.toMillis() + " ms whether it speaks TLS; start or stop it");
            case NO_TLS -> new Discovery.Nothing("What listens at " + address + " isn't a voter: " + e.getMessage());
        };
    }

    private static Discovery.Voter voter(UUID clusterId, VoterPeer asked, GroupInfoReply info) {
        RoleInfoProto role = info.getRoleInfoProto();
        String id = role.getSelf().getId().toStringUtf8();
        List<VoterPeer> voters = info.getGroup().getPeers().stream().map(RatisCalls::voter).toList();
        Optional<VoterPeer> admitted = voters.stream().filter(voter -> voter.id().equals(id)).findFirst();
        boolean hasLeader = role.getRole() == RaftPeerRole.LEADER
                || role.hasFollowerInfo() && role.getFollowerInfo().hasLeaderInfo()
                        && !role.getFollowerInfo().getLeaderInfo().getId().getId().isEmpty();
        return new Discovery.Voter(clusterId, admitted.orElse(new VoterPeer(id, asked.address())), admitted.isPresent(), hasLeader, voters);
    }

    /** Ends what is under way and gives the connections back. Idempotent. */
    @Override
    public void close() {
        threads.shutdownNow();
        calls.close();
    }
}
