package io.flotilla.journal.raft;

import io.flotilla.log.LogThrottle;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.ratis.thirdparty.io.grpc.netty.GrpcHttp2ConnectionHandler;
import org.apache.ratis.thirdparty.io.grpc.netty.InternalProtocolNegotiator.ProtocolNegotiator;
import org.apache.ratis.thirdparty.io.grpc.netty.InternalProtocolNegotiators;
import org.apache.ratis.thirdparty.io.netty.channel.Channel;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelHandler;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelHandlerContext;
import org.apache.ratis.thirdparty.io.netty.channel.ChannelInboundHandlerAdapter;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContext;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslHandler;
import org.apache.ratis.thirdparty.io.netty.util.AsciiString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Connections to a voter's port of which it is not known yet whether a node is behind them. Netty gives each ten seconds, takes as many as come
 * and keeps what each has sent of its handshake. Here there are only so many: one more costs another its place, the oldest of the address that
 * has most, so that who only holds places takes them from itself. Connections of nodes are never touched. Safe for all threads.
 */
final class RaftStrangers {
    private static final Logger log = LoggerFactory.getLogger(RaftStrangers.class);

    private final LogThrottle throttle = new LogThrottle();
    private final int max;
    private final Duration patience;
    /** The oldest first. */
    private final List<Stranger> strangers = new ArrayList<>();

    private record Stranger(Channel connection, InetAddress address) {}

    /**
     * @param max of them at a time
     * @param patience with the handshake of each
     */
    RaftStrangers(int max, Duration patience) {
        this.max = max;
        this.patience = patience;
    }

    /** What a server negotiates by: TLS, as gRPC has it, under this watch. */
    ProtocolNegotiator watching(SslContext server) {
        return new Watching(InternalProtocolNegotiators.serverTls(server));
    }

    private final class Watching implements ProtocolNegotiator {
        private final ProtocolNegotiator tls;

        Watching(ProtocolNegotiator tls) {
            this.tls = tls;
        }

        @Override
        public AsciiString scheme() {
            return tls.scheme();
        }

        @Override
        public ChannelHandler newHandler(GrpcHttp2ConnectionHandler grpc) {
            return new Beginning(tls.newHandler(grpc));
        }

        @Override
        public void close() {
            tls.close();
        }
    }

    /** Stands before the handlers for TLS until the first bytes come; before that gRPC has not put them all in place. */
    private final class Beginning extends ChannelInboundHandlerAdapter {
        private final ChannelHandler tls;

        Beginning(ChannelHandler tls) {
            this.tls = tls;
        }

        @Override
        public void handlerAdded(ChannelHandlerContext context) {
            Channel connection = context.channel();
            if (!(connection.remoteAddress() instanceof InetSocketAddress from)) {
                connection.close(); // gone already
                return;
            }
            context.pipeline().addAfter(context.name(), null, tls);
            connection.eventLoop().schedule(() -> {
                if (remove(connection)) {
                    cut(connection, patience.toMillis() + " ms went by");
                }
            }, patience.toMillis(), TimeUnit.MILLISECONDS);
            connection.closeFuture().addListener(_ -> remove(connection));
            add(new Stranger(connection, from.getAddress()));
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object bytes) {
            Channel connection = context.channel();
            // If there is none, whose end would not be learnt, this throws and the connection fails.
            connection.pipeline().get(SslHandler.class).handshakeFuture().addListener(_ -> remove(connection));
            context.fireChannelRead(bytes);
            context.pipeline().remove(this);
        }
    }

    private void add(Stranger stranger) {
        Optional<Channel> leaving;
        synchronized (this) {
            leaving = strangers.size() < max ? Optional.empty() : Optional.of(leaving());
            strangers.add(stranger);
        }
        leaving.ifPresent(other -> cut(other, max + " others came to do the same"));
    }

    private Channel leaving() {
        Map<InetAddress, Long> held = strangers.stream().collect(Collectors.groupingBy(Stranger::address, Collectors.counting()));
        long most = held.values().stream().max(Long::compare).orElseThrow();
        Stranger oldest = strangers.stream().filter(stranger -> held.get(stranger.address) == most).findFirst().orElseThrow();
        strangers.remove(oldest);
        return oldest.connection;
    }

    /**
     * It has shown that a node is behind it, or is gone.
     *
     * @return whether it was a stranger until now
     */
    private synchronized boolean remove(Channel connection) {
        return strangers.removeIf(stranger -> stranger.connection == connection);
    }

    private void cut(Channel connection, String why) {
        if (throttle.isDue()) {
            log.info("A connection to the Raft port was cut off: it had not shown that a node of this cluster is behind it when {}. "
                    + "Only nodes should reach that port; see the firewall in docs/operations.md", why);
        }
        connection.close();
    }
}
