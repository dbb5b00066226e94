package io.flotilla.node.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.net.httpserver.HttpServer;
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsServer;
import com.sun.security.auth.module.UnixSystem;
import io.flotilla.http.admin.AdminCertificate;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.function.ThrowingSupplier;
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
    return client(new AdminOptions(), arguments);
  }

  private static AdminClient client(AdminOptions options, String... arguments) throws IOException {
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

  private static String refusal(String... arguments) {
    return assertThrows(CommandFailedException.class, () -> client(arguments)).getMessage();
  }

  @Test
  void tokenInClear_goesToThisMachineOnly_andNeverInPlaceOfAFingerprint() throws IOException {
    String token = directory.resolve("admin-token").toString();
    client("--server", "http://127.0.0.2:20000", "--token-file", token);
    client("--server", "http://[::1]:20000", "--token-file", token);
    assertTrue(refusal("--server", "http://192.0.2.1:20000", "--token-file", token).contains("in clear"));
    assertTrue(refusal("--server", "HTTP://127.0.0.1:20000", "--token-file", token, "--fingerprint", certificate.fingerprint())
        .contains("--fingerprint"));
    for (String url : new String[] {"127.0.0.1:20000", "ftp://127.0.0.1", "http:///", "http://a b"}) {
      assertTrue(refusal("--server", url, "--token-file", token).contains("is no URL"), url);
    }
  }

  /** Leaves word of a cluster that runs, as if this process were its node. */
  private static void leave(Path directory, String url) throws IOException {
    ProcessHandle self = ProcessHandle.current();
    new LocalCluster(List.of(new LocalCluster.LocalNode("node-1", url, "", self.pid(), self.info().startInstant().orElseThrow().toEpochMilli())))
        .write(directory);
  }

  private static void assertRefused(String words, ThrowingSupplier<AdminClient> client) {
    String message = assertThrows(CommandFailedException.class, () -> client.get().send("GET", "/", Optional.empty())).getMessage();
    assertTrue(message.contains(words), message);
  }

  @Test
  void clusterFoundInTheWorkingDirectory_isAskedOnlyIfNobodyElseCanWriteIt() throws IOException {
    Path data = Files.createDirectory(directory.resolve("data"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    leave(data, url());
    Files.copy(directory.resolve("admin-token"), data.resolve("admin-token"));
    Files.setPosixFilePermissions(data.resolve("admin-token"), PosixFilePermissions.fromString("rw-------"));
    String[] arguments = {"--fingerprint", certificate.fingerprint(), "--node-config", directory.resolve("none").toString()};
    assertAnswered(client(new AdminOptions(directory), arguments));
    for (Path open : new Path[] {data, LocalCluster.file(data), data.resolve("admin-token")}) {
      Set<PosixFilePermission> before = Files.getPosixFilePermissions(open);
      for (String rights : new String[] {"rwxrwxr-x", "rwxr-xrwx"}) {
        Files.setPosixFilePermissions(open, PosixFilePermissions.fromString(rights));
        assertRefused("--dir", () -> client(new AdminOptions(directory), arguments));
      }
      Files.setPosixFilePermissions(open, before);
    }
    for (Path foreign : new Path[] {data, LocalCluster.file(data), data.resolve("admin-token")}) {
      assumeTrue(new UnixSystem().getUid() == 0, "only root can give files away");
      Files.setAttribute(foreign, "unix:uid", 65534);
      assertRefused("--dir", () -> client(new AdminOptions(directory), arguments));
      Files.setAttribute(foreign, "unix:uid", 0);
    }
    assertAnswered(client(new AdminOptions(directory), arguments));
  }

  @Test
  void directoryOfAStranger_isRefused_whateverIsInItRightNow() throws IOException {
    Path data = Files.createDirectory(directory.resolve("data"));
    Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxrwx"));
    Files.writeString(data.resolve("admin-token"), "secret");
    String none = directory.resolve("none").toString();
    assertRefused("--dir", () -> client(new AdminOptions(directory), "--node-config", none));
    assertRefused("--dir", () -> client(new AdminOptions(directory), "--node-config", none, "--server", url()));
  }

  @Test
  void linksInADirectoryThatNobodyNamed_areNotFollowed() throws IOException {
    Path data = Files.createDirectory(directory.resolve("data"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    leave(data, url());
    Files.createSymbolicLink(data.resolve("admin-token"), directory.resolve("admin-token"));
    String[] arguments = {"--fingerprint", certificate.fingerprint(), "--node-config", directory.resolve("none").toString()};
    assertRefused("is a link", () -> client(new AdminOptions(directory), arguments));
    List<String> named = new ArrayList<>(List.of(arguments));
    named.addAll(List.of("--dir", data.toString()));
    assertAnswered(client(named.toArray(String[]::new)));
    Path settings = Files.writeString(directory.resolve("node.conf"), "flotilla { data-directory = \"" + data
        + "\", admin.address = \"127.0.0.1:1\" }");
    Files.delete(LocalCluster.file(data));
    assertRefused("is a link", () -> client("--node-config", settings.toString()));
    assumeTrue(new UnixSystem().getUid() == 0, "only root can give files away");
    Files.delete(data.resolve("admin-token"));
    Files.writeString(data.resolve("admin-token"), "root's own");
    Files.setAttribute(data, "unix:uid", 65534);
    assertRefused("belongs to the user root", () -> client("--node-config", settings.toString()));
  }

  /** Another user who answers at a port of loopback, with the token that he was sent. */
  private static Process stranger(int port) throws IOException {
    return new ProcessBuilder("setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", "-c", """
        import http.server, sys
        class Stranger(http.server.BaseHTTPRequestHandler):
          def do_GET(self):
            body = ('{"token":"%s"}' % self.headers['Authorization']).encode()
            self.send_response(200)
            self.send_header('Content-Length', str(len(body)))
            self.end_headers()
            self.wfile.write(body)
          def log_message(self, *words):
            pass
        server = http.server.HTTPServer(('127.0.0.1', int(sys.argv[1])), Stranger)
        print(server.server_port, flush=True)
        server.serve_forever()
        """, Integer.toString(port)).start();
  }

  @Test
  void portOfThisMachinesNode_isAskedOnlyIfTheNodesUserListensThere() throws IOException {
    Path data = Files.createDirectory(directory.resolve("state"));
    Files.copy(directory.resolve("admin-token"), data.resolve("admin-token"));
    int self = Math.toIntExact(new UnixSystem().getUid());
    Path settings = directory.resolve("node.conf");
    String text = "flotilla { data-directory = \"" + data + "\", admin.address = \"127.0.0.1:%s\" }";
    try (ServerSocket node = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Files.writeString(settings, text.formatted(node.getLocalPort()));
      assertEquals(Optional.of(Set.of(self)), ListeningUsers.at((InetSocketAddress) node.getLocalSocketAddress()));
    }
    AdminClient stopped = client("--node-config", settings.toString());
    String told = assertThrows(IOException.class, () -> stopped.send("GET", "/", Optional.empty())).getMessage();
    assertTrue(told.contains("nothing listens"), told);
    assumeTrue(self == 0, "only root can have another user listen");
    Process stranger = stranger(0);
    try (var output = stranger.inputReader()) {
      Files.writeString(settings, text.formatted(output.readLine()));
      assertRefused("nothing was sent", () -> client("--node-config", settings.toString()));
      for (Path own : new Path[] {data, data.resolve("admin-token")}) {
        Files.setAttribute(own, "unix:uid", 65534);
      }
      assertAnswered(client("--node-config", settings.toString()));
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void portInClear_isAskedOnlyIfSomebodyTrustedListensThere_howeverItIsNamed() throws IOException {
    assumeTrue(new UnixSystem().getUid() == 0, "only root can have another user listen");
    Path token = directory.resolve("admin-token");
    Path settings = directory.resolve("node.conf");
    Process stranger = stranger(0);
    try (var output = stranger.inputReader()) {
      String url = "http://127.0.0.1:" + output.readLine();
      leave(directory, url);
      String[] server = {"--server", url, "--token-file", token.toString(), "--node-config", settings.toString()};
      assertRefused("nothing was sent", () -> client(server));
      assertRefused("nothing was sent", () -> client("--dir", directory.toString()));
      AdminClient client = client(server);
      assertThrows(CommandFailedException.class, () -> client.download("/", OutputStream.nullOutputStream()));

      Path data = Files.createDirectory(directory.resolve("state"));
      Files.setAttribute(data, "unix:uid", 65534);
      Files.writeString(settings, "flotilla { data-directory = \"" + Path.of("").toAbsolutePath().relativize(data) + "\" }");
      assertRefused("nothing was sent", () -> client(server));
      Files.writeString(settings, "flotilla { data-directory = \"" + data + "\" }");
      assertAnswered(client(server));
      Files.writeString(settings, "flotilla {");
      assertRefused("nothing was sent", () -> client(server));

      Files.setAttribute(token, "unix:uid", 65534);
      assertAnswered(client(server));
      assertAnswered(client("--dir", directory.toString()));
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void portThatChangesHandsWhileACommandRuns_isAskedNoMore() throws IOException {
    assumeTrue(new UnixSystem().getUid() == 0, "only root can have another user listen");
    HttpServer node = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    node.createContext("/", exchange -> {
      exchange.sendResponseHeaders(204, -1);
      exchange.close();
    });
    node.start();
    AdminClient client = client("--server", "http://127.0.0.1:" + node.getAddress().getPort(), "--token-file", directory.resolve("admin-token").toString(),
        "--node-config", directory.resolve("none").toString());
    assertEquals(204, client.send("GET", "/", Optional.empty()).status());
    node.stop(0);
    Process stranger = stranger(node.getAddress().getPort());
    try (var output = stranger.inputReader()) {
      assertEquals(Integer.toString(node.getAddress().getPort()), output.readLine());
      assertRefused("nothing was sent", () -> client);
    } finally {
      stranger.destroyForcibly();
    }
  }

  @Test
  void down_stopsNothingForAStranger() throws Exception {
    Path data = Files.createDirectory(directory.resolve("data"), PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwxr-xr-x")));
    Process node = new ProcessBuilder("sleep", "600").start();
    try {
      new LocalCluster(List.of(new LocalCluster.LocalNode("node-1", url(), "", node.pid(),
          node.info().startInstant().orElseThrow().toEpochMilli()))).write(data);
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxrwxr-x"));
      String message = assertThrows(CommandFailedException.class, () -> new DownCommand(directory).call()).getMessage();
      assertTrue(message.contains("--dir"), message);
      assertTrue(node.isAlive());
      Files.setPosixFilePermissions(data, PosixFilePermissions.fromString("rwxr-xr-x"));
      assertEquals(0, new DownCommand(directory).call());
      assertTrue(node.waitFor(30, TimeUnit.SECONDS));
    } finally {
      node.destroyForcibly();
    }
  }
}
