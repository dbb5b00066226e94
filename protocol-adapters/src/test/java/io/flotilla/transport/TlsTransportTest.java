package io.flotilla.transport;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.tls.TlsIdentity;
import io.flotilla.tls.TlsServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.security.KeyStore;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.Test;

class TlsTransportTest {
  private static final int SMALL = 8 * 1024;
  private static final TlsIdentity IDENTITY = TlsIdentity.selfSigned("test", List.of("localhost"), Instant.now());

  private static SSLContext client() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("test", IDENTITY.chain().getFirst());
    TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    trust.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, trust.getTrustManagers(), null);
    return context;
  }

  /** With small buffers of the system one write waits for the client many times. */
  @Test
  void aWriteThatGoesOn_tellsWhatWasTaken() throws Exception {
    byte[] data = new byte[256 * 1024];
    new Random(1).nextBytes(data);
    try (ServerSocketChannel server = ServerSocketChannel.open().bind(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
        Socket plain = new Socket()) {
      plain.setReceiveBufferSize(SMALL);
      plain.connect(server.getLocalAddress());
      SocketChannel accepted = server.accept().setOption(StandardSocketOptions.SO_SNDBUF, SMALL);
      TlsTransport transport = TlsTransport.large(
          accepted, TlsServer.engine(IDENTITY.serverContext(), "http/1.1"), new TransferBuffers(), true);
      AtomicLong taken = new AtomicLong();
      CompletableFuture<Void> written = new CompletableFuture<>();
      Thread.startVirtualThread(() -> {
        try {
          transport.handshake();
          for (ByteBuffer source = ByteBuffer.wrap(data); source.hasRemaining();) {
            transport.write(source, taken::addAndGet);
          }
          written.complete(null);
        } catch (IOException | RuntimeException e) {
          written.completeExceptionally(e);
        }
      });
      try (SSLSocket client = (SSLSocket) client().getSocketFactory().createSocket(plain, "localhost", plain.getPort(), true)) {
        client.startHandshake();
        await().atMost(Duration.ofSeconds(30)).until(() -> taken.get() > 0);
        assertFalse(written.isDone());
        assertTrue(taken.get() < data.length, taken::toString);
        assertArrayEquals(data, client.getInputStream().readNBytes(data.length));
        written.get(30, TimeUnit.SECONDS);
        assertTrue(taken.get() >= data.length, taken::toString);
      } finally {
        transport.close();
      }
    }
  }
}
