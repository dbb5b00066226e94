package io.flotilla.journal.raft;

import java.util.List;
import javax.net.ssl.SSLException;
import org.apache.ratis.conf.Parameters;
import org.apache.ratis.grpc.GrpcFactory;
import org.apache.ratis.grpc.client.GrpcClientRpc;
import org.apache.ratis.grpc.server.GrpcServicesImpl;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;
import org.apache.ratis.thirdparty.io.grpc.netty.GrpcSslContexts;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.ClientAuth;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContext;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslContextBuilder;
import org.apache.ratis.thirdparty.io.netty.handler.ssl.SslProvider;

/**
 * Raft's gRPC under TLS, by Java's own TLS. What Ratis sets up by itself is OpenSSL's, a native library, which has to be unpacked into
 * the directory for temporary files and is not there for every machine. Immutable.
 */
final class SecuredGrpc extends GrpcFactory {
    private static final String PARAMETER = "flotilla.tls";

    private final SslContext server;
    private final SslContext client;

    /** What Ratis makes by its name, from properties. */
    static final class Type implements RpcType {
        @Override
        public String name() {
            return Type.class.getName();
        }

        @Override
        public GrpcFactory newFactory(Parameters parameters) {
            return new SecuredGrpc(parameters.get(PARAMETER, RaftTls.class));
        }
    }

    SecuredGrpc(RaftTls tls) {
        super(new Parameters());
        try {
            this.server = built(SslContextBuilder.forServer(tls.own()).clientAuth(ClientAuth.REQUIRE), tls);
            this.client = built(SslContextBuilder.forClient().keyManager(tls.own()), tls);
        } catch (SSLException e) {
            throw new IllegalStateException("Raft's TLS can't be set up", e);
        }
    }

    private static SslContext built(SslContextBuilder builder, RaftTls tls) throws SSLException {
        return GrpcSslContexts.configure(builder, SslProvider.JDK).trustManager(tls.others()).protocols("TLSv1.3")
                .ciphers(List.of("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384")).build();
    }

    /** What a server is told so that it speaks by this. */
    static Parameters parameters(RaftTls tls) {
        Parameters parameters = new Parameters();
        parameters.put(PARAMETER, tls, RaftTls.class);
        return parameters;
    }

    @Override
    public GrpcServicesImpl newRaftServerRpc(RaftServer raft) {
        return GrpcServicesImpl.newBuilder().setServer(raft).setCustomizer(null).setAdminSslContext(server).setClientSslContext(server)
                .setServerSslContextForServer(server).setServerSslContextForClient(client).build();
    }

    @Override
    public GrpcClientRpc newRaftClientRpc(ClientId clientId, RaftProperties properties) {
        return new GrpcClientRpc(clientId, properties, client, client);
    }
}
