package io.flotilla.node.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import io.flotilla.http.admin.AdminCertificate;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import picocli.CommandLine;

/** Where commands find the admin API, and whether they believe that it is the one. */
class AdminOptionsTest {
  /** What the node is told to listen on; that it is on loopback here is of no account to a certificate that is pinned. */
  private static final String NAME = "node.example";
  @TempDir private Path directory;
  private HttpsServer server;
  private AdminCertificate certificate;

  @BeforeEach
  void serve() throws IOException {
    certificate = AdminCertificate.open(directory, NAME, Clock.systemUTC());
    server = HttpsServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.setHttpsConfigurator(new HttpsConfigurator(certificate.context()));
    server.createContext("/", exchange -> {
      byte[] body = ("{\"token\":\"" + exchange.getRequestHeaders().getFirst("Authorization") + "\"}").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(200, body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
    Files.writeString(directory.resolve("admin-token"), "secret\n");
  }

  @AfterEach
  void stop() {
    server.stop(0);
  }

  private static AdminClient client(String... arguments) throws IOException {
    AdminOptions options = new AdminOptions();
    new CommandLine(CommandLine.Model.CommandSpec.forAnnotatedObject(options)).parseArgs(arguments);
    return options.client();
  }

  private String url() {
    return "https://127.0.0.1:" + server.getAddress().getPort();
  }

  private static void assertAnswered(AdminClient client) throws IOException {
    assertEquals("Bearer secret", client.send("GET", "/", Optional.empty()).orFail().body().path("token").asText());
  }

  @Test
  void certificateWithTheFingerprint_isBelieved_andNoOther() throws IOException {
    String token = directory.resolve("admin-token").toString();
    for (String written : new String[] {certificate.fingerprint(), certificate.fingerprint().replace(":", "").toLowerCase()}) {
      assertAnswered(client("--server", url(), "--token-file", token, "--fingerprint", written));
    }
    String other = "0".repeat(64);
    for (AdminClient client : new AdminClient[] {client("--server", url(), "--token-file", token, "--fingerprint", other),
        client("--server", url(), "--token-file", token)}) {
      IOException refused = assertThrows(IOException.class, () -> client.send("GET", "/", Optional.empty()));
      assertTrue(refused.getMessage().contains("is not trusted") && refused.getMessage().contains("--fingerprint"), refused.getMessage());
    }
    assertTrue(assertThrows(CommandFailedException.class, () -> client("--server", url(), "--token-file", token, "--fingerprint", "x"))
        .getMessage().contains("64 hexadecimal digits"));
  }

  @Test
  void nodeOfThisMachine_isFoundByItsSettings() throws IOException {
    Path settings = Files.writeString(directory.resolve("node.conf"), "flotilla { data-directory = \"" + directory
        + "\", admin.address = \"0.0.0.0:" + server.getAddress().getPort() + "\" }");
    assertAnswered(client("--node-config", settings.toString()));
    Files.delete(directory.resolve("admin-certificate.p12"));
    assertTrue(assertThrows(IOException.class, () -> client("--node-config", settings.toString())).getMessage().contains("cannot be read"));
  }

  @Test
  void withoutACluster_itIsSaidWhatToName() {
    for (String[] arguments : new String[][] {{"--dir", directory.toString()}, {"--node-config", directory.resolve("none").toString()}}) {
      assertTrue(assertThrows(CommandFailedException.class, () -> client(arguments)).getMessage().contains("name a server by --server"));
    }
  }
}
