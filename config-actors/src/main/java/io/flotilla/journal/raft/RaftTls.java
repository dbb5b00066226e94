package io.flotilla.journal.raft;

import java.time.Duration;
import java.util.List;
import javax.net.ssl.KeyManager;
import javax.net.ssl.SSLException;
import javax.net.ssl.TrustManager;
import org.apache.ratis.thirdparty.io.grpc.netty.GrpcSslContexts;
import org.apache.ratis.thirdparty.io.grpc.netty.InternalProtocolNegotiator.ProtocolNegotiator;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.ClientAuth;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContext;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContextBuilder;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslProvider;

/**
 * By what the voters and their clients know each other: mutual TLS 1.3. Make it once: those who share it resume sessions, and a handshake
 * costs less then. Immutable.
 */
public final class RaftTls {
    private static final int MAX_STRANGERS = 512;
    private static final Duration PATIENCE = Duration.ofSeconds(5);

    private final SslContext server;
    private final SslContext client;
    private final int maxStrangers;
    private final Duration patience;

    /**
     * @param own shows this process to the others
     * @param others decides whom to talk to; it is asked for clients and servers, and must not look at the names of hosts
     */
    public RaftTls(KeyManager own, TrustManager others) {
        this(own, others, MAX_STRANGERS, PATIENCE);
    }

    /**
     * @param maxStrangers connections at a time to a voter's port that have not shown a certificate
     * @param patience with each of them
     */
    RaftTls(KeyManager own, TrustManager others, int maxStrangers, Duration patience) {
        this.maxStrangers = maxStrangers;
        this.patience = patience;
        try {
            this.server = built(SslContextBuilder.forServer(own).clientAuth(ClientAuth.REQUIRE), others);
            this.client = built(SslContextBuilder.forClient().keyManager(own), others);
        } catch (SSLException e) {
            throw new IllegalStateException("Raft's TLS can't be set up", e);
        }
    }

    private static SslContext built(SslContextBuilder builder, TrustManager others) throws SSLException {
        return GrpcSslContexts.configure(builder, SslProvider.JDK).trustManager(others).protocols("TLSv1.3")
                .ciphers(List.of("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")).build();
    }

    /** What a server negotiates by with those who connect. */
    ProtocolNegotiator negotiator() {
        return new RaftStrangers(maxStrangers, patience).watching(server);
    }

    SslContext server() {
        return server;
    }

    SslContext client() {
        return client;
    }
}
