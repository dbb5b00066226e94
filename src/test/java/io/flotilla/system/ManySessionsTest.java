package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.system.clients.ClientProcess;
import io.flotilla.system.clients.Command;
import io.flotilla.system.clients.Curl;
import io.flotilla.system.clients.Sftp;
import io.flotilla.system.clients.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.security.spec.ECGenParameterSpec;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import org.apache.sshd.client.SshClient;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** One node with the heap that it has by default, and much of what costs memory. */
@Tag("long")
@Timeout(value = 15, unit = TimeUnit.MINUTES)
class ManySessionsTest {
  private static final List<String> DEFAULT_OPTIONS = List.of("-J-Xms64m", "-J-Xmx512m", "-J-XX:MaxDirectMemorySize=256m",
      "-J-XX:TieredStopAtLevel=4");
  /** Heap and direct memory, and what a JVM needs besides. */
  private static final long MOST_MIB = 1_100;
  private static final int SESSIONS = 2_000;
  private static final int LOGINS_AT_ONCE = 8;
  private static final int ENTRIES = 100_000;
  private static final String NAME = "a name as long as names of files often are ";
  private static final int PATIENCE_SECONDS = 300;
  private static final String USER = "many";
  /** Of {@link ClientSites#PASSWORD}, at the least cost that there is: the test is not about hashing. */
  private static final String CHEAP_HASH =
      "$argon2id$v=19$m=8,t=1,p=1$bWFueSBzZXNzaW9ucyBvaw$BiYSglIVaD+eIiMKK183qQ";

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static ClientSites sites;

  @BeforeAll
  static void start() throws Exception {
    cluster = TestCluster.start(directory.resolve("cluster"), 1, Optional.empty(), DEFAULT_OPTIONS);
    sites = new ClientSites(cluster, directory);
    sites.addUser(USER);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void thousandsOfIdleSessions_allAnswer_inBoundedMemory() throws Exception {
    KeyPairGenerator generator = KeyPairGenerator.getInstance("EC");
    generator.initialize(new ECGenParameterSpec("secp256r1"));
    KeyPair key = generator.generateKeyPair();
    cluster.api(1).send("PATCH", "/api/v1/config/users/" + USER + "?wait=applied",
        "{\"passwordHash\":\"" + CHEAP_HASH + "\",\"publicKeys\":[\"" + sites.publicKey() + "\",\""
            + PublicKeyEntry.toString(key.getPublic()) + "\"]}").expect(200);
    long before = residentMib();
    List<IdleSftp> sftp = new ArrayList<>();
    List<IdleFtp> ftp = new ArrayList<>();
    try (SshClient client = SshClient.setUpDefaultClient()) {
      client.setServerKeyVerifier((session, address, hostKey) -> true);
      client.start();
      openAll(sftp, () -> IdleSftp.open(client, USER, key, cluster.host(1), cluster.sftpPort()));
      long withSftp = residentMib();
      openAll(ftp, () -> IdleFtp.open(USER, ClientSites.PASSWORD, cluster.host(1), cluster.ftpPort()));
      await().atMost(TestCluster.SOON).until(() ->
          connections("sftp") == SESSIONS && connections("ftp") == SESSIONS);
      for (IdleSftp session : sftp) {
        session.askForRealPath();
      }
      for (IdleFtp session : ftp) {
        session.askForNothing();
      }
      long after = residentMib();
      System.out.println("Resident memory of a node: " + before + " MiB, with " + SESSIONS + " idle SFTP sessions " + withSftp
          + " MiB, with " + SESSIONS + " idle FTP sessions beside them " + after + " MiB");
      assertTrue(after <= MOST_MIB, "the node needs " + after + " MiB");
    } finally {
      sftp.forEach(IdleSftp::close);
      for (IdleFtp session : ftp) {
        session.close();
      }
    }
    await().atMost(TestCluster.SOON).until(() -> connections("sftp") == 0 && connections("ftp") == 0);
  }

  private static <T> void openAll(List<T> sessions, Callable<T> open) throws Exception {
    try (ExecutorService executor = Executors.newFixedThreadPool(LOGINS_AT_ONCE)) {
      List<Future<T>> opening = new ArrayList<>();
      for (int i = 0; i < SESSIONS; i++) {
        opening.add(executor.submit(open));
      }
      for (Future<T> session : opening) {
        sessions.add(session.get());
      }
    }
  }

  private static int connections(String protocol) throws IOException {
    return cluster.member(1, cluster.name(1)).path("connections").path(protocol).asInt();
  }

  @Test
  void aHundredThousandNames_areListedByEveryProtocol_inBoundedMemory() throws Exception {
    Path folder = Files.createDirectories(cluster.files().resolve("users").resolve(USER).resolve("large"));
    Set<String> names = new HashSet<>();
    for (int i = 0; i < ENTRIES; i++) {
      String name = NAME + "%06d.txt".formatted(i);
      Files.createFile(folder.resolve(name));
      names.add(name);
    }
    long before = residentMib();
    Site site = sites.byPassword(USER).get(1);
    assertEquals(names, listed(new Sftp().list(site, "large")));
    long afterSftp = residentMib();
    assertEquals(names, listed(new Curl(Curl.Protocol.FTP).list(site, "large")));
    long afterFtp = residentMib();
    System.out.println("Resident memory of a node: " + before + " MiB, after a listing of " + ENTRIES + " entries by SFTP " + afterSftp
        + " MiB, by FTP " + afterFtp + " MiB");
    assertTrue(afterFtp <= MOST_MIB, "the node needs " + afterFtp + " MiB");
  }

  /** The names in a listing, whatever stands before them in a line. */
  private static Set<String> listed(Command command) throws IOException, InterruptedException {
    return ClientProcess.run(command, directory, PATIENCE_SECONDS).lines().filter(line -> line.contains(NAME))
        .map(line -> line.substring(line.indexOf(NAME))).collect(Collectors.toSet());
  }

  private static long residentMib() throws IOException {
    return Files.readAllLines(Path.of("/proc/" + cluster.node(1).pid() + "/status")).stream()
        .filter(line -> line.startsWith("VmRSS:"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024).findFirst().orElseThrow();
  }
}
