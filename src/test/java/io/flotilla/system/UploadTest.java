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
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Uploads that can be resumed, on three nodes with one storage, of which one dies or is frozen. The client is curl. */
class UploadTest {
  private static final long PATIENCE_SECONDS = 180;
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
    String location = create("killed", 2, SIZE);
    Process upload = start("killed", patch(2, location, 0, file("killed", content), "--limit-rate", "2M"));
    await().atMost(TestCluster.SOON).until(() -> offset("killed", 1, location) > 3_000_000);
    cluster.node(2).kill();
    try {
      assertNotEquals(0, finish(upload).exit());
      goOn("killed", 3, location, content, SIZE);
      assertArrayEquals(content, Files.readAllBytes(home("killed").resolve("a.bin")));
      assertEquals(List.of("a.bin"), entries("killed"));
      assertEquals("404", head("killed", 1, location).status());
    } finally {
      cluster.startNode(2, List.of());
      cluster.awaitConverged();
    }
  }

  @Test
  void aNodeThatWasFrozen_harmsNothing_whenItGoesOn() throws Exception {
    user("frozen");
    byte[] content = random(SIZE);
    String location = create("frozen", 3, SIZE);
    Process upload = start("frozen", patch(3, location, 0, file("frozen", content), "--limit-rate", "1M"));
    await().atMost(TestCluster.SOON).until(() -> offset("frozen", 1, location) > 3_000_000);
    cluster.node(3).freeze();
    try {
      goOn("frozen", 1, location, content, SIZE - 1_000_000);
    } finally {
      cluster.node(3).thaw();
    }
    assertNotEquals("204", finish(upload).status());
    cluster.awaitConverged();
    assertEquals(SIZE - 1_000_000, offset("frozen", 3, location));
    goOn("frozen", 3, location, content, SIZE);
    assertArrayEquals(content, Files.readAllBytes(home("frozen").resolve("a.bin")));
    assertEquals(List.of("a.bin"), entries("frozen"));
  }

  @Test
  void aNewerRequest_endsTheOlderOne_whoseClientIsGone() throws Exception {
    user("twice");
    byte[] content = random(SIZE);
    String location = create("twice", 1, SIZE);
    Process older = start("twice", patch(1, location, 0, file("twice", content), "--limit-rate", "1M"));
    await().atMost(TestCluster.SOON).until(() -> offset("twice", 2, location) > 2_000_000);
    goOn("twice", 1, location, content, SIZE);
    assertNotEquals("204", finish(older).status());
    assertArrayEquals(content, Files.readAllBytes(home("twice").resolve("a.bin")));
  }

  @Test
  void anArchive_comesFromAnyNode() throws Exception {
    user("zipped");
    Files.createDirectories(home("zipped").resolve("d/empty"));
    Files.write(home("zipped").resolve("d/a.bin"), random(3_000_000));
    Path archive = directory.resolve("d.zip");
    assertEquals(0, finish(start("zipped", List.of("-o", archive.toString(), url(2, "/files/d/?zip")))).exit());
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
      int offset = (int) offset(user, node, location);
      Path rest = file(user + "-rest", Arrays.copyOfRange(content, offset, end));
      Result result = finish(start(user, patch(node, location, offset, rest)));
      assertTrue(List.of("204", "423", "503", "409").contains(result.status()), result::output);
      return result.status().equals("204");
    });
  }

  private static String create(String user, int node, int length) throws Exception {
    Result created = finish(start(user, List.of("-i", "-X", "POST", "-H", "Tus-Resumable: 1.0.0", "-H", "Upload-Length: " + length,
        "-H", "Upload-Metadata: path " + Base64.getEncoder().encodeToString("/a.bin".getBytes()), url(node, "/uploads"))));
    assertEquals("201", created.status(), created.output());
    return field(created.output(), "location");
  }

  private static List<String> patch(int node, String location, long offset, Path body, String... more) {
    List<String> arguments = new ArrayList<>(List.of("-i", "-X", "PATCH", "-T", body.toString(), "-H", "Tus-Resumable: 1.0.0",
        "-H", "Content-Type: application/offset+octet-stream", "-H", "Upload-Offset: " + offset));
    arguments.addAll(List.of(more));
    arguments.add(url(node, location));
    return arguments;
  }

  private static Result head(String user, int node, String location) throws Exception {
    return finish(start(user, List.of("-I", "-H", "Tus-Resumable: 1.0.0", url(node, location))));
  }

  private static long offset(String user, int node, String location) throws Exception {
    Result head = head(user, node, location);
    assertEquals("200", head.status(), head.output());
    return Long.parseLong(field(head.output(), "upload-offset"));
  }

  private static String field(String head, String name) {
    return head.lines().filter(line -> line.toLowerCase(Locale.ROOT).startsWith(name + ":")).findFirst().orElseThrow(
        () -> new AssertionError("no " + name + " in " + head)).substring(name.length() + 1).strip();
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

  private static String url(int k, String path) {
    return "http://" + cluster.host(k) + ":" + cluster.httpPort() + path;
  }

  private static Path file(String name, byte[] content) throws IOException {
    return Files.write(directory.resolve(name), content);
  }

  /** @param exit of curl */
  private record Result(int exit, String output) {
    /** Of the last answer; one may come before it that asks to go on. */
    String status() {
      return output.lines().filter(line -> line.startsWith("HTTP/")).reduce((_, last) -> last).map(line -> line.split(" ")[1]).orElse("none");
    }
  }

  private static Process start(String user, List<String> arguments) throws IOException {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "--max-time", "120", "-u", user + ":correct horse"));
    command.addAll(arguments);
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  private static Result finish(Process process) throws IOException, InterruptedException {
    String output = new String(process.getInputStream().readAllBytes());
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("curl did not end:\n" + output);
    }
    return new Result(process.exitValue(), output);
  }

  private static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }
}
