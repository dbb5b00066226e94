package io.flotilla.journal.raft;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.apache.ratis.RaftConfigKeys;
import org.apache.ratis.client.RaftClientConfigKeys;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcConfigKeys;
import org.apache.ratis.rpc.SupportedRpcType;
import org.apache.ratis.server.RaftServerConfigKeys;
import org.apache.ratis.util.SizeInBytes;
import org.apache.ratis.util.TimeDuration;

/** What Ratis is told: its defaults are for large clusters with large logs, and some of them wait for ever. */
final class RatisProperties {
    /** The longest log entry, and the most that one message to a follower holds. Commands are cut at a quarter of it. */
    static final SizeInBytes ENTRY_MAX = SizeInBytes.valueOf("256KB");
    private static final SizeInBytes MESSAGE_MAX = SizeInBytes.valueOf("4MB");
    private static final SizeInBytes FLOW_CONTROL = SizeInBytes.valueOf("1MB");

    private RatisProperties() {}

    static RaftProperties server(RaftSettings settings) {
        RaftProperties properties = new RaftProperties();
        RaftConfigKeys.Rpc.setType(properties, settings.tls().isPresent() ? new SecuredGrpc.Type() : SupportedRpcType.GRPC);
        RaftServerConfigKeys.setStorageDir(properties, List.of(settings.directory().toFile()));
        RaftServerConfigKeys.setRemovedGroupsDir(properties, settings.directory().resolve("removed").toFile());
        GrpcConfigKeys.Server.setHost(properties, settings.bindHost());
        GrpcConfigKeys.Server.setPort(properties, settings.port());
        GrpcConfigKeys.setMessageSizeMax(properties, MESSAGE_MAX);
        GrpcConfigKeys.setFlowControlWindow(properties, FLOW_CONTROL);

        RaftServerConfigKeys.Rpc.setTimeoutMin(properties, time(settings.electionTimeoutMin()));
        RaftServerConfigKeys.Rpc.setTimeoutMax(properties, time(settings.electionTimeoutMax()));
        RaftServerConfigKeys.Rpc.setRequestTimeout(properties, time(settings.electionTimeoutMax().multipliedBy(3)));
        RaftServerConfigKeys.LeaderElection.setLeaderStepDownWaitTime(properties, time(settings.electionTimeoutMax().multipliedBy(2)));
        // A suspended laptop or a stopped virtual machine isn't a reason to end the voter.
        RaftServerConfigKeys.setCloseThreshold(properties, TimeDuration.valueOf(5, TimeUnit.MINUTES));

        RaftServerConfigKeys.Read.setOption(properties, RaftServerConfigKeys.Read.Option.LINEARIZABLE);
        RaftServerConfigKeys.Read.setTimeout(properties, TimeDuration.valueOf(2, TimeUnit.SECONDS));

        // The configuration is small. Without these an idle voter holds tens of megabytes of buffers and preallocated files.
        RaftServerConfigKeys.Log.setSegmentSizeMax(properties, SizeInBytes.valueOf("8MB"));
        RaftServerConfigKeys.Log.setPreallocatedSize(properties, SizeInBytes.valueOf("64KB"));
        RaftServerConfigKeys.Log.setWriteBufferSize(properties, SizeInBytes.valueOf("512KB"));
        RaftServerConfigKeys.Log.setSegmentCacheNumMax(properties, 2);
        RaftServerConfigKeys.Log.setSegmentCacheSizeMax(properties, SizeInBytes.valueOf("16MB"));
        RaftServerConfigKeys.Log.setQueueByteLimit(properties, SizeInBytes.valueOf("16MB"));
        RaftServerConfigKeys.Log.Appender.setBufferByteLimit(properties, ENTRY_MAX);
        RaftServerConfigKeys.Log.Appender.setSnapshotChunkSizeMax(properties, SizeInBytes.valueOf("1MB"));
        RaftServerConfigKeys.Write.setElementLimit(properties, 1024);
        RaftServerConfigKeys.Write.setByteLimit(properties, SizeInBytes.valueOf("16MB"));
        // Acknowledged means on disk. Purging the log of voters that are away comes close to RATIS-2487: left off too.
        RaftServerConfigKeys.Log.setUnsafeFlushEnabled(properties, false);
        RaftServerConfigKeys.Log.setPurgeUptoSnapshotIndex(properties, false);
        // Purging happens after a snapshot only, which is rare; each time all that can go goes.
        RaftServerConfigKeys.Log.setPurgeGap(properties, 1);
        // Otherwise each commit is itself logged, replicated and flushed. Followers hear of it by the next entry or heartbeat.
        RaftServerConfigKeys.Log.setLogMetadataEnabled(properties, false);
        // VoterDirectory has judged the log before; what it lets pass is a torn last write, which is to be cut off.
        RaftServerConfigKeys.Log.setCorruptionPolicy(properties, RaftServerConfigKeys.Log.CorruptionPolicy.WARN_AND_RETURN);

        RaftServerConfigKeys.Snapshot.setAutoTriggerEnabled(properties, true);
        RaftServerConfigKeys.Snapshot.setAutoTriggerThreshold(properties, settings.snapshotThreshold());
        RaftServerConfigKeys.Snapshot.setTriggerWhenStopEnabled(properties, false);
        RaftServerConfigKeys.Snapshot.setRetentionFileNum(properties, 2);
        return properties;
    }

    /** @param callTimeout after which one call to one voter is given up */
    static RaftProperties client(Duration callTimeout) {
        RaftProperties properties = new RaftProperties();
        RaftConfigKeys.Rpc.setType(properties, SupportedRpcType.GRPC);
        RaftClientConfigKeys.Rpc.setRequestTimeout(properties, time(callTimeout));
        GrpcConfigKeys.setMessageSizeMax(properties, MESSAGE_MAX);
        GrpcConfigKeys.setFlowControlWindow(properties, FLOW_CONTROL);
        return properties;
    }

    static TimeDuration time(Duration duration) {
        return TimeDuration.valueOf(duration.toMillis(), TimeUnit.MILLISECONDS);
    }
}
