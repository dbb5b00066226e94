package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Uploads that can be resumed, on three nodes with one storage, of which one dies or is frozen. The client is curl. */
class UploadTest {
  private static final String CONFIG = "/api/v1/config/";
  private static final int SIZE = 20_000_000;

  @TempDir private static Path directory;
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    await().atMost(TestCluster.SOON).until(() -> cluster.api(1).put(CONFIG + "listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").status() == 201);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void anUpload_whoseNodeIsKilled_goesOnAtAnother() throws Exception {
    user("killed");
    byte[] content = random(SIZE);
    String location = tus("killed").create(at(2), "/a.bin", SIZE);
    Process upload = tus("killed").patch(at(2), location, 0, file("killed", content), "--limit-rate", "2M");
    await().atMost(TestCluster.SOON).until(() -> tus("killed").offset(at(1), location) > 3_000_000);
    cluster.node(2).kill();
    try {
      assertNotEquals(0, CurlHttp.finish(upload).exit());
      goOn("killed", 3, location, content, SIZE);
      assertArrayEquals(content, Files.readAllBytes(home("killed").resolve("a.bin")));
      assertEquals(List.of("a.bin"), entries("killed"));
      assertEquals("404", tus("killed").head(at(1), location).status());
    } finally {
      cluster.startNode(2, List.of());
      cluster.awaitConverged();
    }
  }

  @Tag("long")
  @Test
  void aNodeThatWasFrozen_harmsNothing_whenItGoesOn() throws Exception {
    user("frozen");
    byte[] content = random(SIZE);
    String location = tus("frozen").create(at(3), "/a.bin", SIZE);
    Process upload = tus("frozen").patch(at(3), location, 0, file("frozen", content), "--limit-rate", "1M");
    await().atMost(TestCluster.SOON).until(() -> tus("frozen").offset(at(1), location) > 3_000_000);
    cluster.node(3).freeze();
    try {
      goOn("frozen", 1, location, content, SIZE - 1_000_000);
    } finally {
      cluster.node(3).thaw();
    }
    assertNotEquals("204", CurlHttp.finish(upload).status());
    cluster.awaitConverged();
    assertEquals(SIZE - 1_000_000, tus("frozen").offset(at(3), location));
    goOn("frozen", 3, location, content, SIZE);
    assertArrayEquals(content, Files.readAllBytes(home("frozen").resolve("a.bin")));
    assertEquals(List.of("a.bin"), entries("frozen"));
  }

  @Test
  void aNewerRequest_endsTheOlderOne_whoseClientIsGone() throws Exception {
    user("twice");
    byte[] content = random(SIZE);
    String location = tus("twice").create(at(1), "/a.bin", SIZE);
    Process older = tus("twice").patch(at(1), location, 0, file("twice", content), "--limit-rate", "1M");
    await().atMost(TestCluster.SOON).until(() -> tus("twice").offset(at(2), location) > 2_000_000);
    goOn("twice", 1, location, content, SIZE);
    assertNotEquals("204", CurlHttp.finish(older).status());
    assertArrayEquals(content, Files.readAllBytes(home("twice").resolve("a.bin")));
  }

  @Test
  void anArchive_comesFromAnyNode() throws Exception {
    user("zipped");
    Files.createDirectories(home("zipped").resolve("d/empty"));
    Files.write(home("zipped").resolve("d/a.bin"), random(3_000_000));
    Path archive = directory.resolve("d.zip");
    assertEquals(0, new CurlHttp("zipped", List.of()).call("-o", archive.toString(), at(2) + "/files/d/?zip").exit());
    try (ZipInputStream in = new ZipInputStream(Files.newInputStream(archive))) {
      List<String> names = new ArrayList<>();
      for (ZipEntry entry = in.getNextEntry(); entry != null; entry = in.getNextEntry()) {
        names.add(entry.getName());
      }
      names.sort(null);
      assertEquals(List.of("a.bin", "empty/"), names);
    }
  }

  /** Sends the rest up to an end, as often as it is refused because another may still have it. */
  private static void goOn(String user, int node, String location, byte[] content, int end) throws Exception {
    await().atMost(TestCluster.SOON).until(() -> {
      int offset = (int) tus(user).offset(at(node), location);
      Path rest = file(user + "-rest", Arrays.copyOfRange(content, offset, end));
      CurlHttp.Result result = CurlHttp.finish(tus(user).patch(at(node), location, offset, rest));
      assertTrue(List.of("204", "423", "503", "409").contains(result.status()), result::output);
      return result.status().equals("204");
    });
  }

  private static CurlTus tus(String user) {
    return new CurlTus(new CurlHttp(user, List.of()));
  }

  private static void user(String name) throws IOException {
    cluster.api(1).put(CONFIG + "users/" + name + "?wait=applied", "{\"password\":\"correct horse\"}").expect(201);
  }

  private static Path home(String user) {
    return cluster.files().resolve("users").resolve(user);
  }

  private static List<String> entries(String user) throws IOException {
    try (Stream<Path> all = Files.list(home(user))) {
      return all.map(path -> path.getFileName().toString()).sorted().toList();
    }
  }

  private static String at(int k) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort();
  }

  private static Path file(String name, byte[] content) throws IOException {
    return Files.write(directory.resolve(name), content);
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }
}
