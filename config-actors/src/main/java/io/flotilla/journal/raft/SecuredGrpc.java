package io.flotilla.journal.raft;

import org.apache.ratis.conf.Parameters;
import org.apache.ratis.conf.RaftProperties;
import org.apache.ratis.grpc.GrpcFactory;
import org.apache.ratis.grpc.client.GrpcClientRpc;
import org.apache.ratis.grpc.server.GrpcServicesImpl;
import org.apache.ratis.protocol.ClientId;
import org.apache.ratis.rpc.RpcType;
import org.apache.ratis.server.RaftServer;

/**
 * Raft's gRPC under TLS, by Java's own TLS. What Ratis sets up by itself is OpenSSL's, a native library, which has to be unpacked into
 * the directory for temporary files and is not there for every machine. Immutable.
 */
final class SecuredGrpc extends GrpcFactory {
    private static final String PARAMETER = "flotilla.tls";

    private final RaftTls tls;

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
        this.tls = tls;
    }

    /** What a server is told so that it speaks by this. */
    static Parameters parameters(RaftTls tls) {
        Parameters parameters = new Parameters();
        parameters.put(PARAMETER, tls, RaftTls.class);
        return parameters;
    }

    @Override
    public GrpcServicesImpl newRaftServerRpc(RaftServer raft) {
        return GrpcServicesImpl.newBuilder().setServer(raft).setCustomizer((builder, _) -> builder.protocolNegotiator(tls.negotiator()))
                .setAdminSslContext(tls.server()).setClientSslContext(tls.server())
                .setServerSslContextForServer(tls.server()).setServerSslContextForClient(tls.client()).build();
    }

    @Override
    public GrpcClientRpc newRaftClientRpc(ClientId clientId, RaftProperties properties) {
        return new GrpcClientRpc(clientId, properties, tls.client(), tls.client());
    }
}
