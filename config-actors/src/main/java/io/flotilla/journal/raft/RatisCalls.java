package io.flotilla.journal.raft;

import java.io.IOException;
import java.net.ConnectException;
import java.net.NoRouteToHostException;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLException;
import org.apache.ratis.client.RaftClientRpc;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcFactory;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.protocol.GroupInfoReply;
import org.apache.ratis.protocol.GroupInfoRequest;
import org.apache.ratis.protocol.GroupListReply;
import org.apache.ratis.protocol.GroupListRequest;
import org.apache.ratis.protocol.RaftClientReply;
import org.apache.ratis.protocol.RaftClientRequest;
import org.apache.ratis.protocol.RaftGroupId;
import org.apache.ratis.protocol.RaftPeer;
import org.apache.ratis.protocol.RaftPeerId;
import org.apache.ratis.protocol.SetConfigurationRequest;
import org.apache.ratis.protocol.TransferLeadershipRequest;
import org.apache.ratis.thirdparty.io.grpc.Status;

/**
 * Single calls to single Raft servers, blocking, over gRPC, without any retry of Ratis' own: its client retries for ever and
 * doesn't tell whether a command may have been written. Blocking, so for virtual threads. Safe for all threads.
 */
final class RatisCalls implements AutoCloseable {
    private final ClientId clientId = ClientId.randomId();
    private final AtomicLong callIds = new AtomicLong();
    private final RaftGroupId groupId;
    private final RaftClientRpc rpc;

    /**
     * @param callTimeout after which one call is given up
     * @param tls as the voters have it
     */
    RatisCalls(UUID clusterId, Duration callTimeout, Optional<RaftTls> tls) {
        this.groupId = RaftGroupId.valueOf(clusterId);
        this.rpc = tls.map(SecuredGrpc::new).map(GrpcFactory.class::cast).orElseGet(() -> new GrpcFactory(new Parameters()))
                .newRaftClientRpc(clientId, RatisProperties.client(callTimeout));
    }

    static RaftPeer peer(VoterPeer voter) {
        return RaftPeer.newBuilder().setId(voter.id()).setAddress(voter.address()).build();
    }

    static VoterPeer voter(RaftPeer peer) {
        return new VoterPeer(peer.getId().toString(), peer.getAddress());
    }

    long nextCallId() {
        return callIds.incrementAndGet();
    }

    /** A repeat must have the call id of the first try: Ratis then answers it from its cache instead of writing twice. */
    RaftClientRequest write(VoterPeer to, long callId, Bytes command) {
        return RaftClientRequest.newBuilder().setClientId(clientId).setLeaderId(RaftPeerId.valueOf(to.id())).setGroupId(groupId)
                .setCallId(callId).setMessage(JournalStateMachine.message(command)).setType(RaftClientRequest.writeRequestType())
                .build();
    }

    /** @param written the answer must hold at least the log up to this index */
    RaftClientRequest read(VoterPeer to, long written, JournalQuery query) {
        return RaftClientRequest.newBuilder().setClientId(clientId).setServerId(RaftPeerId.valueOf(to.id())).setGroupId(groupId)
                .setCallId(nextCallId()).setMessage(JournalStateMachine.question(written, query)).setType(RaftClientRequest.readRequestType())
                .build();
    }

    RaftClientRequest staleRead(VoterPeer to, JournalQuery query) {
        return RaftClientRequest.newBuilder().setClientId(clientId).setServerId(RaftPeerId.valueOf(to.id())).setGroupId(groupId)
                .setCallId(nextCallId()).setMessage(JournalStateMachine.question(0, query))
                .setType(RaftClientRequest.staleReadRequestType(0)).build();
    }

    SetConfigurationRequest compareAndSetVoters(VoterPeer leader, List<VoterPeer> current, List<VoterPeer> next) {
        return new SetConfigurationRequest(clientId, RaftPeerId.valueOf(leader.id()), groupId, nextCallId(),
                SetConfigurationRequest.Arguments.newBuilder()
                        .setServersInCurrentConf(current.stream().map(RatisCalls::peer).toList())
                        .setServersInNewConf(next.stream().map(RatisCalls::peer).toList())
                        .setMode(SetConfigurationRequest.Mode.COMPARE_AND_SET).build());
    }

    TransferLeadershipRequest transferLeadership(VoterPeer from, VoterPeer to, Duration timeout) {
        return new TransferLeadershipRequest(clientId, RaftPeerId.valueOf(from.id()), groupId, nextCallId(),
                RaftPeerId.valueOf(to.id()), timeout.toMillis());
    }

    /** @throws IOException if there was no answer; the command may have been written unless {@link #neverArrived} says no */
    RaftClientReply call(VoterPeer to, RaftClientRequest request) throws IOException {
        rpc.addRaftPeers(List.of(peer(to)));
        try {
            return rpc.sendRequest(request);
        } catch (IOException | RuntimeException e) {
            // Without this the channel waits up to two minutes before it tries a voter again that was away.
            rpc.handleException(RaftPeerId.valueOf(to.id()), e, true);
            throw e instanceof IOException io ? io : new IOException(e);
        }
    }

    GroupListReply groups(VoterPeer of) throws IOException {
        return (GroupListReply) call(of, new GroupListRequest(clientId, RaftPeerId.valueOf(of.id()), groupId, nextCallId()));
    }

    GroupInfoReply group(VoterPeer of, RaftGroupId group) throws IOException {
        return (GroupInfoReply) call(of, new GroupInfoRequest(clientId, RaftPeerId.valueOf(of.id()), group, nextCallId()));
    }

    /** @return whether a failed call certainly didn't reach the other side */
    static boolean neverArrived(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof ConnectException || cause instanceof UnknownHostException || cause instanceof NoRouteToHostException) {
                return true;
            }
        }
        return false;
    }

    /** Why TLS was refused, by either side; empty if a call failed otherwise. */
    static Optional<SSLException> refusal(Throwable failure) {
        for (Throwable cause = failure; cause != null; cause = cause.getCause()) {
            if (cause instanceof SSLException refused) {
                return Optional.of(refused);
            }
        }
        return Optional.empty();
    }

    /** @return whether the other side was connected to and then said nothing */
    static boolean timedOut(Throwable failure) {
        return Status.fromThrowable(failure).getCode() == Status.Code.DEADLINE_EXCEEDED;
    }

    @Override
    public void close() {
        try {
            rpc.close();
        } catch (IOException e) {
            // Only connections are given back here; nothing depends on it.
        }
    }
}
