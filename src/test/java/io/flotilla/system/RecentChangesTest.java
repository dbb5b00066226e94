package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Two nodes with a directory each and nobody who copies files between them, but for the test where it says so: clients of one node see at
 * once what those of the other have done. The clients are OpenSSH's sftp and curl.
 */
class RecentChangesTest {
  private static final String CONFIG = "/api/v1/config/";
  private static final int SIZE = 20_000_000;

  @TempDir private static Path directory;
  private static TestCluster cluster;
  private static OpenSsh ssh;

  @BeforeAll
  static void start() throws IOException {
    ssh = new OpenSsh(directory);
    for (int k = 1; k <= 2; k++) {
      Files.createDirectories(directory.resolve("node-" + k + "/files"));
      Files.createDirectories(directory.resolve("node-" + k + "/apart"));
    }
    cluster = TestCluster.start(directory.resolve("cluster"), 2);
    storage("copied", "files", "");
    storage("apart", "apart", ",\"recentChanges\":\"off\"");
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").status() == 201);
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).put(CONFIG + "listeners/ftp?wait=applied", "{\"protocol\":\"ftp\",\"port\":"
        + cluster.ftpPort() + ",\"ftp\":{\"passivePorts\":\"" + cluster.passivePorts() + "\"}}").status() == 201);
  }

  private static void storage(String name, String path, String more) throws IOException {
    cluster.api(1).put(CONFIG + "storages/" + name + "?wait=applied",
        "{\"path\":\"" + directory + "/${node}/" + path + "\"" + more + "}").expect(201);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void upload_isReadByTheOtherNode_atOnce_byAllProtocols() throws Exception {
    user("reader", "copied");
    byte[] content = random(SIZE);
    Path file = file("reader", content);
    sftp("reader", 1, "mkdir d\nput " + file + " d/a.bin\n");
    Path back = directory.resolve("reader-back");
    curl("reader").call("-f", "-o", back.toString(), http(2) + "/files/d/a.bin").expectSuccess();
    assertArrayEquals(content, Files.readAllBytes(back));
    curl("reader").call("-o", back.toString(), ftp(2) + "/d/a.bin").expectSuccess();
    assertArrayEquals(content, Files.readAllBytes(back));
    assertTrue(sftp("reader", 2, "ls -l d\nget d/a.bin " + back + "\n").contains(Integer.toString(SIZE)));
    assertArrayEquals(content, Files.readAllBytes(back));
    small("reader", 1, "words", "at the bottom");
    assertEquals("bottom", curl("reader").call("-s", "-r", "7-12", http(2) + "/files/words").output());
    assertFalse(Files.exists(home(2, "reader").resolve("d/a.bin")));
  }

  /** Makes a small file by a node, and says its name. */
  private static String small(String user, int node, String name, String text) throws Exception {
    curl(user).call("-f", "-T", Files.writeString(directory.resolve(user + "-" + name), text).toString(), http(node) + "/files/" + name)
        .expectSuccess();
    return name;
  }

  private static String read(String user, int node, String name) throws Exception {
    return curl(user).call("-f", "-s", http(node) + "/files/" + name).expectSuccess().output();
  }

  private static String status(String user, int node, String name) throws Exception {
    return curl(user).call("-s", "-i", http(node) + "/files/" + name).status();
  }

  @Test
  void removalsAndRenames_holdAtBothNodes_whereverTheyAreMade() throws Exception {
    user("mover", "copied");
    small("mover", 1, "a", "one");
    sftp("mover", 2, "rename a b\n");
    assertEquals("one", read("mover", 1, "b"));
    assertEquals("one", read("mover", 2, "b"));
    assertEquals("404", status("mover", 2, "a"));
    sftp("mover", 1, "mkdir d\nrename b d/b\n");
    sftp("mover", 2, "rename d e\n");
    assertEquals("one", read("mover", 2, "e/b"));
    assertEquals("one", read("mover", 1, "e/b"));
    arrive("mover", "e/b");
    sftp("mover", 1, "rename e f\n");
    await().atMost(TestCluster.SOON).until(() -> status("mover", 2, "e/b").equals("404"));
    assertEquals("one", read("mover", 2, "f/b"));
    sftp("mover", 2, "rm f/b\nrmdir f\n");
    assertEquals("404", status("mover", 1, "f/b"));
    assertFalse(Files.exists(home(1, "mover").resolve("f")));
    for (int k = 1; k <= 2; k++) {
      assertEquals("404", status("mover", k, "f/"));
      assertEquals("404", status("mover", k, "e/"));
    }
  }

  /** Of WebDAV whole trees, and by curl the old protocol of scp. */
  @Test
  void webDavAndScp_workWithWhatHasNotArrived() throws Exception {
    user("dav", "copied");
    sftp("dav", 1, "mkdir d\nmkdir d/e\n");
    small("dav", 1, "a", "one");
    sftp("dav", 1, "rename a d/a\n");
    small("dav", 1, "b", "two");
    sftp("dav", 1, "rename b d/e/b\n");
    assertEquals("two", curl("dav").call("-k", "-s", "scp://" + cluster.host(2) + ":" + cluster.sftpPort() + "/d/e/b").expectSuccess().output());

    dav("COPY", "d", "copy");
    Files.delete(home(1, "dav").resolve("d/a")); // by nobody whom the nodes know, so that a copy that is none is seen
    assertEquals("one", read("dav", 2, "copy/a"));
    assertEquals("two", read("dav", 1, "copy/e/b"));
    dav("MOVE", "d/e", "moved");
    assertEquals("two", read("dav", 1, "moved/b"));
    assertEquals("two", read("dav", 2, "moved/b"));
    assertEquals("404", status("dav", 1, "d/e/b"));

    assertEquals("204", curl("dav").call("-s", "-i", "-X", "DELETE", http(2) + "/files/moved").status());
    assertFalse(Files.exists(home(1, "dav").resolve("moved")));
    assertEquals("404", status("dav", 1, "moved/b"));
    assertEquals("404", status("dav", 2, "moved/"));
  }

  private static void dav(String method, String from, String to) throws Exception {
    CurlHttp.Result done = curl("dav").call("-s", "-i", "-X", method, "-H", "Destination: /files/" + to, http(2) + "/files/" + from);
    assertEquals("201", done.status(), done.output());
  }

  @Test
  void resumableUpload_isReadByTheOtherNode() throws Exception {
    user("resumer", "copied");
    byte[] content = random(3_000_000);
    CurlTus tus = new CurlTus(curl("resumer"));
    String location = tus.create(http(1), "/a.bin", content.length);
    assertEquals("204", CurlHttp.finish(tus.patch(http(1), location, 0, file("resumer", content))).status());
    Path back = directory.resolve("resumer-back");
    await().atMost(TestCluster.SOON).until(() -> curl("resumer").call("-f", "-o", back.toString(), http(2) + "/files/a.bin").exit() == 0);
    assertArrayEquals(content, Files.readAllBytes(back));
  }

  @Test
  void killedNode_isMissed_untilWhatItHadHasArrived() throws Exception {
    user("waiter", "copied");
    small("waiter", 1, "a", "one");
    small("waiter", 1, "b", "two");
    assertEquals("one", read("waiter", 2, "a"));
    arrive("waiter", "b");
    cluster.node(1).kill();
    try {
      assertEquals("two", read("waiter", 2, "b"));
      CurlHttp.Result refused = curl("waiter").call("-s", "-i", http(2) + "/files/a");
      assertEquals("503", refused.status());
      assertTrue(refused.output().contains("the node that has it does not answer"), refused.output());
      assertTrue(curl("waiter").call("-s", ftp(2) + "/").output().contains("a"));
      assertTrue(curl("waiter").call("-v", ftp(2) + "/a").output().contains("450 "));
      arrive("waiter", "a");
      assertEquals("one", read("waiter", 2, "a"));
      small("waiter", 2, "c", "three");
    } finally {
      cluster.startNode(1, List.of());
      cluster.awaitConverged();
    }
    // Its log is empty now. It has heard what was done meanwhile before it says that it may be given clients.
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).get("/health/ready").status() == 200);
    assertEquals("three", read("waiter", 1, "c"));
    small("waiter", 1, "d", "four");
    await().atMost(TestCluster.SOON).until(() -> status("waiter", 2, "d").equals("200"));
  }

  @Test
  void twoVersionsOfAFile_areToldAsAConflict() throws Exception {
    user("twice", "copied");
    Process events = new ProcessBuilder("curl", "-q", "-sN", "-H", "Authorization: Bearer " + cluster.api(2).token(),
        cluster.api(2).url() + "/api/v1/events").redirectOutput(directory.resolve("events").toFile()).start();
    try {
      small("twice", 1, "a", "of one");
      assertEquals("of one", read("twice", 2, "a"));
      await().atMost(TestCluster.SOON).until(() -> events.isAlive());
      small("twice", 2, "a", "of node two");
      assertEquals("of node two", read("twice", 2, "a"));
      await().atMost(TestCluster.SOON).until(() -> read("twice", 1, "a").equals("of node two"));
      await().atMost(TestCluster.SOON).until(() -> Files.readString(cluster.log(2)).contains("was written on this node"));
      await().atMost(TestCluster.SOON).until(() -> Files.readString(directory.resolve("events")).contains("file-conflict"));
      assertEquals("of one", Files.readString(home(1, "twice").resolve("a")));
    } finally {
      events.destroy();
    }
  }

  @Test
  void storageWhoseNodesTellNothing_isThatOfEachNode() throws Exception {
    user("lonely", "apart");
    small("lonely", 1, "a", "one");
    assertEquals("404", status("lonely", 2, "a"));
  }

  /** What a synchroniser does. */
  private static void arrive(String user, String path) throws IOException {
    Path from = home(1, user).resolve(path);
    Path to = home(2, user).resolve(path);
    Files.createDirectories(to.getParent());
    Files.copy(from, to, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
  }

  /** A node that has just come back is not waited for by a change. */
  private static void user(String name, String storage) throws IOException {
    cluster.api(1).put(CONFIG + "users/" + name + "?wait=applied", "{\"password\":\"" + CurlHttp.PASSWORD
        + "\",\"home\":{\"storage\":\"" + storage + "\",\"path\":\"/users/" + name + "\"}}").expect(201);
    for (int k = 1; k <= 2; k++) {
      int node = k;
      await().atMost(TestCluster.SOON).until(() -> status(name, node, "").equals("200"));
    }
  }

  private static Path home(int k, String user) {
    return directory.resolve("node-" + k + "/files/users").resolve(user);
  }

  private static String sftp(String user, int k, String batch) throws Exception {
    return ssh.sftp(user, new OpenSsh.Password(CurlHttp.PASSWORD), cluster.host(k), cluster.sftpPort(), batch).expectSuccess().output();
  }

  private static CurlHttp curl(String user) {
    return new CurlHttp(user, List.of());
  }

  private static String http(int k) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort();
  }

  private static String ftp(int k) {
    return "ftp://" + cluster.host(k) + ":" + cluster.ftpPort();
  }

  private static Path file(String name, byte[] content) throws IOException {
    return Files.write(directory.resolve(name), content);
  }

  private static byte[] random(int size) {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return content;
  }
}
