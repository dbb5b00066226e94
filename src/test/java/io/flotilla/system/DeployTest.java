package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The three architectures as they are in {@code deploy/}, each with real clients that come through HAProxy. */
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class DeployTest {
  private static final String CLIENT = "127.0.0.77";
  private static final Duration BUSY = Duration.ofMillis(200);

  @TempDir private Path directory;

  private Deployment deployment(String name) throws IOException {
    return new Deployment(name, directory.resolve("deployment"));
  }

  private static byte[] random(int size) {
    byte[] bytes = new byte[size];
    new Random(size).nextBytes(bytes);
    return bytes;
  }

  private Path file(String name, int size) throws IOException {
    return Files.write(directory.resolve(name), random(size));
  }

  private static List<String> curl(Deployment deployment, String... arguments) {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--fail", "--max-time", "90", "--interface", CLIENT, "--insecure",
        "--ssl-reqd", "-u", "demo:" + deployment.password()));
    command.addAll(List.of(arguments));
    return command;
  }

  private static Deployment.Result fetch(Deployment deployment, String... arguments) throws Exception {
    return Deployment.run(Map.of(), curl(deployment, arguments).toArray(String[]::new));
  }

  private static String https(Deployment deployment, String name) {
    return "https://" + Deployment.FRONT + ":" + deployment.httpsPort() + "/files/" + name;
  }

  private static String ftp(Deployment deployment, String name) {
    return "ftp://" + Deployment.FRONT + ":" + deployment.ftpPort() + "/" + name;
  }

  private static void put(Deployment deployment, Path file, String url) throws Exception {
    Deployment.Result result = fetch(deployment, "-T", file.toString(), url);
    assertEquals(0, result.status(), result.output());
  }

  /** Whether a file comes whole, by a new connection to whichever node. */
  private boolean comesBack(Deployment deployment, Path file, String url) throws Exception {
    Path back = directory.resolve("back.bin");
    Files.deleteIfExists(back);
    return fetch(deployment, "-o", back.toString(), url).status() == 0 && Arrays.equals(Files.readAllBytes(file), Files.readAllBytes(back));
  }

  /** Waits until new clients are served again and again, each by a node of its own. */
  private void awaitService(Deployment deployment, Path file, String name) {
    await().atMost(TestCluster.SOON).pollInterval(BUSY).until(() -> {
      for (int i = 0; i < 6; i++) {
        if (!comesBack(deployment, file, https(deployment, name)) || !comesBack(deployment, file, ftp(deployment, name))) {
          return false;
        }
      }
      return true;
    });
  }

  /** OpenSSH, curl and lftp put and get; nodes see where they come from, and take nobody who does not come through HAProxy. */
  private void clientsAreServed(Deployment deployment) throws Exception {
    Path file = file("sftp.bin", 1_000_000);
    Path back = directory.resolve("back.sftp");
    OpenSsh ssh = new OpenSsh(directory);
    OpenSsh.Password password = new OpenSsh.Password(deployment.password());
    // Both in one session, and so by one node: the others may get it later.
    ssh.sftp("demo", password, Deployment.FRONT, deployment.sftpPort(), "put " + file + "\nget sftp.bin " + back + "\n",
        List.of("-o", "BindAddress=" + CLIENT)).expectSuccess();
    assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(back));
    put(deployment, file, https(deployment, "https.bin"));
    put(deployment, file, ftp(deployment, "ftp.bin"));
    awaitService(deployment, file, "https.bin");
    Deployment.Result lftp = Deployment.run(Map.of(), "lftp", "--norc", "-c", "set net:socket-bind-ipv4 " + CLIENT
        + "; set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set cmd:fail-exit yes; open -u demo,"
        + deployment.password() + " ftp://" + Deployment.FRONT + ":" + deployment.ftpPort() + "; mkdir -p tree; put -O tree " + file
        + "; cls tree");
    assertEquals(0, lftp.status(), lftp.output());
    assertTrue(lftp.output().contains("sftp.bin"), lftp.output());

    Process waiting = ssh.start("demo", password, Deployment.FRONT, deployment.sftpPort(), "pwd\n!sleep 600\n",
        List.of("-o", "BindAddress=127.0.0.78"));
    try {
      await().atMost(TestCluster.SOON).pollInterval(BUSY).until(() -> addresses(deployment).equals(List.of("127.0.0.78")));
      assertTrue(deployment.flotilla("connections", "list").contains("127.0.0.78"));
    } finally {
      waiting.descendants().forEach(ProcessHandle::destroyForcibly);
      waiting.destroyForcibly().waitFor();
    }
    Deployment.Result past = fetch(deployment, "ftp://127.0.0.3:" + deployment.ftpPort() + "/");
    assertNotEquals(0, past.status(), "only HAProxy may connect: " + past.output());
  }

  private static List<String> addresses(Deployment deployment) throws IOException {
    List<String> addresses = new ArrayList<>();
    deployment.api(1).get("/api/v1/connections").expect(200).body().path("items")
        .forEach(one -> addresses.add(one.path("address").asText()));
    return addresses;
  }

  private static void startAgain(Deployment deployment) throws Exception {
    String output = deployment.start();
    assertFalse(output.contains("unreachable"), output);
  }

  private static void stopLeavesNothing(Deployment deployment) throws Exception {
    assertTrue(deployment.running().size() >= 4, deployment.running().toString());
    assertEquals("Stopped.\n", deployment.stop());
    assertEquals(List.of(), deployment.running());
    assertEquals("Nothing was running.\n", deployment.stop());
  }

  private static void runsAlready(Deployment deployment) throws Exception {
    Deployment.Result second = deployment.start(Map.of());
    assertEquals(1, second.status(), second.output());
    assertTrue(second.output().contains("it runs in " + deployment.directory() + " already; stop it by"), second.output());
  }

  /** Where the files of node k are. */
  private static Path home(Deployment deployment, int k) {
    return deployment.directory().resolve("files/node-" + k + "/users/demo");
  }

  private static boolean isOnAll(Deployment deployment, Path file, String name) throws IOException {
    for (int k = 1; k <= 3; k++) {
      Path copy = home(deployment, k).resolve(name);
      if (!Files.exists(copy) || Files.mismatch(copy, file) != -1) {
        return false;
      }
    }
    return true;
  }

  private static List<Integer> withPartial(Deployment deployment) throws IOException {
    List<Integer> nodes = new ArrayList<>();
    for (int k = 1; k <= 3; k++) {
      if (Files.isDirectory(home(deployment, k))) {
        try (Stream<Path> files = Files.list(home(deployment, k))) {
          if (files.anyMatch(one -> one.getFileName().toString().startsWith(".flotilla-part-"))) {
            nodes.add(k);
          }
        }
      }
    }
    return nodes;
  }

  @Test
  void localStorage_syncthingBringsWhatOneNodeGot_toTheOthers() throws Exception {
    try (Deployment deployment = deployment("local-storage")) {
      String output = deployment.start();
      assertEquals(3, output.lines().filter(line -> line.contains(" converged ")).count(), output);
      runsAlready(deployment);
      clientsAreServed(deployment);
      Path file = directory.resolve("sftp.bin");
      // Whichever node is asked reads it from the one that has it.
      put(deployment, file, ftp(deployment, "at-once.bin"));
      for (int i = 0; i < 6; i++) {
        assertTrue(comesBack(deployment, file, ftp(deployment, "at-once.bin")), "it should be there by every node, whether it has arrived or not");
      }
      for (String name : List.of("sftp.bin", "https.bin", "ftp.bin", "tree/sftp.bin")) {
        await(name).atMost(TestCluster.SOON).until(() -> isOnAll(deployment, file, name));
      }

      // What is under way stays where it is, while what is done goes to the others.
      Process slow = new ProcessBuilder(curl(deployment, "--limit-rate", "300k", "--max-time", "600", "-T",
          file("slow.bin", 40_000_000).toString(), ftp(deployment, "slow.bin"))).redirectErrorStream(true)
          .redirectOutput(directory.resolve("slow.txt").toFile()).start();
      try {
        await().atMost(TestCluster.SOON).until(() -> !withPartial(deployment).isEmpty());
        for (int i = 0; i < 3; i++) {
          String name = "beside-" + i + ".bin";
          put(deployment, file, https(deployment, name));
          await(name).atMost(TestCluster.SOON).until(() -> isOnAll(deployment, file, name));
        }
        assertEquals(1, withPartial(deployment).size());
        assertTrue(slow.isAlive(), "the upload should still run; make it slower: " + Files.readString(directory.resolve("slow.txt")));
      } finally {
        slow.destroyForcibly().waitFor();
      }

      deployment.kill("syncthing-2");
      List<String> later = IntStream.range(0, 6).mapToObj(i -> "later-" + i + ".bin").toList();
      for (String name : later) {
        put(deployment, file, https(deployment, name));
      }
      awaitService(deployment, file, "https.bin");
      // Whoever comes to node-2 has them all the same.
      Path back = directory.resolve("back.bin");
      for (String name : later) {
        Deployment.Result result = fetch(deployment, "--interface", Deployment.FRONT, "--haproxy-protocol", "-o", back.toString(),
            "https://127.0.0.2:" + deployment.httpsPort() + "/files/" + name);
        assertEquals(0, result.status(), name + ": " + result.output());
        assertArrayEquals(Files.readAllBytes(file), Files.readAllBytes(back));
      }
      assertFalse(isOnAll(deployment, file, later), "node-2 has its Syncthing still");
      startAgain(deployment);
      await().atMost(TestCluster.SOON).until(() -> isOnAll(deployment, file, later));

      deployment.kill("node-3");
      awaitService(deployment, file, "later-0.bin");
      put(deployment, file, https(deployment, "without-node-3.bin"));
      await().atMost(TestCluster.SOON).until(() -> isOnAll(deployment, file, "without-node-3.bin"));
      startAgain(deployment);
      stopLeavesNothing(deployment);
    }
  }

  private static boolean isOnAll(Deployment deployment, Path file, List<String> names) throws IOException {
    for (String name : names) {
      if (!isOnAll(deployment, file, name)) {
        return false;
      }
    }
    return true;
  }

  private static int ready(Deployment deployment, int k) throws IOException {
    return deployment.api(k).get("/health/ready").status();
  }

  @Test
  void networkStorage_nodeWithoutItsMountServesNobody_untilItIsBack() throws Exception {
    assumeTrue(Deployment.run(Map.of(), "id", "-u").output().equals("0\n"), "only root can mount");
    try (Deployment deployment = deployment("network-storage")) {
      deployment.start();
      runsAlready(deployment);
      clientsAreServed(deployment);
      Path file = directory.resolve("sftp.bin");
      Path server = deployment.directory().resolve("server");
      Path mount = deployment.directory().resolve("mounts/node-2");
      assertEquals(-1, Files.mismatch(server.resolve("users/demo/ftp.bin"), file));

      // As when a server of network storage goes: whoever has something open there keeps it.
      assertEquals(0, Deployment.run(Map.of(), "umount", "--lazy", mount.toString()).status());
      await().atMost(TestCluster.SOON).until(() -> ready(deployment, 2) == 503);
      JsonNode reasons = deployment.api(2).get("/health/ready").body().path("reasons");
      assertTrue(reasons.toString().contains("storage main: its marker file '.flotilla-storage' is not in " + mount), reasons.toString());
      awaitService(deployment, file, "https.bin");
      for (int i = 0; i < 12; i++) {
        put(deployment, file, https(deployment, "without-" + i + ".bin"));
        assertEquals(-1, Files.mismatch(server.resolve("users/demo/without-" + i + ".bin"), file));
      }
      try (Stream<Path> empty = Files.list(mount)) {
        assertEquals(List.of(), empty.toList());
      }

      assertEquals(0, Deployment.run(Map.of(), "mount", "--bind", server.toString(), mount.toString()).status());
      await().atMost(TestCluster.SOON).until(() -> ready(deployment, 2) == 200);
      deployment.kill("node-1");
      deployment.kill("node-3");
      awaitService(deployment, file, "without-0.bin");
      startAgain(deployment);
      stopLeavesNothing(deployment);
      assertNotEquals(0, Deployment.run(Map.of(), "mountpoint", "-q", mount.toString()).status());
    }
  }

  @Test
  void dedicatedPrimary_isMissedByNoClient_andChangesGoOnWithoutIt() throws Exception {
    try (Deployment deployment = deployment("dedicated-primary")) {
      deployment.start();
      runsAlready(deployment);
      clientsAreServed(deployment);
      Path file = directory.resolve("sftp.bin");
      assertTrue(deployment.flotilla("primary", "show").contains("primary-1"));
      String balancer = Files.readString(deployment.directory().resolve("haproxy.cfg"));
      assertTrue(balancer.contains(" 127.0.0.3:") && balancer.contains(" 127.0.0.4:"), balancer);
      assertFalse(balancer.contains(" 127.0.0.1:") || balancer.contains(" 127.0.0.2:"), balancer);

      Path slow = file("slow.bin", 4_000_000);
      Process upload = new ProcessBuilder(curl(deployment, "--limit-rate", "200k", "-T", slow.toString(), ftp(deployment, "slow.bin")))
          .redirectErrorStream(true).redirectOutput(directory.resolve("slow.txt").toFile()).start();
      try {
        await().atMost(TestCluster.SOON).pollInterval(BUSY).until(() -> !addresses(deployment).isEmpty());
        deployment.kill("primary-1");
        for (int i = 0; i < 6; i++) {
          assertTrue(comesBack(deployment, file, https(deployment, "https.bin")));
          put(deployment, file, ftp(deployment, "without-" + i + ".bin"));
        }
        assertTrue(upload.waitFor(TestCluster.SOON.toSeconds(), TimeUnit.SECONDS));
        assertEquals(0, upload.exitValue(), Files.readString(directory.resolve("slow.txt")));
      } finally {
        upload.destroyForcibly().waitFor();
      }
      assertTrue(comesBack(deployment, slow, https(deployment, "slow.bin")));
      await().atMost(TestCluster.SOON).ignoreExceptions()
          .until(() -> deployment.api(4).put("/api/v1/config/users/eve", "{\"enabled\":false}").status() / 100 == 2);
      assertTrue(deployment.flotilla("primary", "show").contains("primary-2"));
      startAgain(deployment);
      stopLeavesNothing(deployment);
    }
  }

  private static void assertRefused(Deployment.Result result, String words) {
    assertEquals(1, result.status(), result.output());
    assertTrue(result.output().contains(words), result.output());
  }

  @ParameterizedTest
  @ValueSource(strings = {"local-storage", "network-storage", "dedicated-primary"})
  void whatIsMissing_orInTheWay_isToldBeforeAnythingStarts(String name) throws Exception {
    try (Deployment deployment = deployment(name)) {
      assertRefused(deployment.start(Map.of("HAPROXY", "/nowhere/haproxy")), "there is no program /nowhere/haproxy. Install it (apt install "
          + "haproxy)");
      if (name.equals("local-storage")) {
        assertRefused(deployment.start(Map.of("SYNCTHING", "/nowhere/syncthing")), "Install it (apt install syncthing)");
      }
      try (ServerSocket taken = new ServerSocket(deployment.sftpPort(), 1, InetAddress.getByName("127.0.0.2"))) {
        assertRefused(deployment.start(Map.of()), "port 127.0.0.2:" + taken.getLocalPort() + " is taken by another program");
      }
      String script = NodeProcess.home().resolve("deploy").resolve(name).resolve("start").toString();
      assertRefused(Deployment.run(Map.of(), script, "--base-port", "80", deployment.directory().toString()), "--base-port must be a multiple");
      assertRefused(Deployment.run(Map.of(), script, directory.resolve("a|b").toString()), "has characters");
      assertRefused(Deployment.run(Map.of(), script.replaceAll("start$", "stop"), deployment.directory().toString()), "nothing was started in");
      assertEquals(List.of(), deployment.running());
    }
  }
}
