package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Earlier versions of the configuration, seen and restored through any of three nodes. */
class TimeTravelTest {
  private static final String CONFIG = "/api/v1/config";
  @TempDir private static Path directory;
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void rollbackThroughAnotherNode_bringsBackTheOldPassword_onEveryNode() throws Exception {
    OpenSsh ssh = new OpenSsh(directory);
    long then = put(1, "users/ann", "{\"password\":\"the old one\"}");
    put(2, "users/ann", "{\"password\":\"the new one\"}");
    put(3, "users/later", "{}");

    AdminApi.Answer answer =
        cluster.api(3).send("POST", CONFIG + "/rollback?wait=applied", "{\"to\":" + then + "}").expect(200);

    long restored = answer.body().path("version").asLong();
    for (int k = 1; k <= 3; k++) {
      cluster.api(k).get(CONFIG + "/users/later?minVersion=" + restored).expect(404);
      ssh.sftp("ann", new OpenSsh.Password("the old one"), cluster.host(k), cluster.sftpPort(), "ls\n").expectSuccess();
      AdminApi.Answer diff = cluster.api(k).get(CONFIG + "/diff?from=" + then + "&to=" + restored).expect(200);
      assertEquals(0, diff.body().path("count").asInt(), diff.body().toString());
    }
  }

  @Test
  void everyNode_showsTheSamePast_withoutSecrets() throws Exception {
    long then = put(1, "users/bea", "{\"password\":\"hunter2\"}");
    JsonNode expected = cluster.api(1).get(CONFIG + "?limit=1000&minVersion=" + then).expect(200).body();
    put(2, "users/bea", "{\"password\":\"hunter3\",\"enabled\":false}");
    long head = put(3, "users/ben", "{}");

    for (int k = 1; k <= 3; k++) {
      JsonNode past = cluster.api(k).get(CONFIG + "/versions/" + then + "?limit=1000&minVersion=" + head).expect(200).body();
      JsonNode diff = cluster.api(k).get(CONFIG + "/diff?from=" + then + "&to=" + head).expect(200).body();
      assertEquals(expected, past);
      assertEquals(List.of("change", "create"), diff.findValuesAsText("op"));
      assertEquals("[\"passwordHash\"]", diff.path("changes").path(0).path("changedSecrets").toString());
      String all = past.toString() + diff;
      assertFalse(all.contains("argon2") || all.contains("$sealed") || all.contains("hunter"), all);
    }
  }

  @Test
  void twoAdminsAtOnce_withTheSameHead_oneOfThemIsRefused() throws Exception {
    long then = put(1, "users/carl", "{}");
    long head = put(1, "users/carl", "{\"enabled\":false}");
    for (int k = 1; k <= 3; k++) {
      cluster.api(k).get(CONFIG + "?limit=1&minVersion=" + head).expect(200);
    }

    List<Integer> statuses = Stream.of(2, 3).map(k -> CompletableFuture.supplyAsync(() -> {
      try {
        return cluster.api(k).send("POST", CONFIG + "/rollback?timeout=20s",
            "{\"to\":" + then + "}", "If-Match", "\"" + head + "\"").status();
      } catch (IOException e) {
        throw new java.io.UncheckedIOException(e);
      }
    })).toList().stream().map(CompletableFuture::join).sorted().toList();

    assertEquals(List.of(200, 412), statuses);
  }

  @Test
  void commandLine_showsDiffAndHistory_andRollsBack() throws Exception {
    long then = put(1, "users/dora", "{}");
    cli(2, 0, "patch", "users/dora", "{\"enabled\":false}", "--comment", "on leave", "--wait", "applied");
    cli(2, 0, "put", "users/dirk", "{}", "--wait", "applied");

    assertEquals("+ users/dirk\n~ users/dora  enabled\n", cli(3, 0, "diff", Long.toString(then)));
    assertTrue(cli(3, 0, "history").contains("(on leave)"));
    assertEquals("Version " + then + " could be restored, as version " + (then + 3) + ".\n",
        cli(3, 0, "rollback", Long.toString(then), "--dry-run"));
    assertTrue(cli(3, 1, "rollback", Long.toString(then), "--if-version", Long.toString(then)).contains("at version"));
    assertEquals("Version " + then + " was restored as version " + (then + 3) + ".\n",
        cli(3, 0, "rollback", Long.toString(then), "--wait", "applied", "--comment", "back from leave"));
    assertTrue(cli(1, 0, "rollback", Long.toString(then)).startsWith("Nothing to change"));
    assertEquals("Versions " + then + " and " + (then + 3) + " hold the same.\n", cli(1, 0, "diff", Long.toString(then)));
    assertTrue(cli(1, 1, "rollback", "1000000").contains("can be restored"));
  }

  @Test
  void commandLine_saysWhoGetsInAgain_andAsksBeforeARollback() throws Exception {
    long then = put(1, "users/erin", "{\"password\":\"the old one\"}");
    put(1, "users/erin", "{\"password\":\"the new one\"}");

    String refused = cli(2, 1, "rollback", Long.toString(then));

    assertTrue(refused.contains("! users/erin can get in again: an old password\n"), refused);
    assertTrue(refused.contains("no terminal to ask at; give --yes"), refused);
    assertTrue(cli(2, 0, "rollback", Long.toString(then), "--dry-run").contains("users/erin can get in again"));
    assertEquals(then + 1, cluster.api(2).version());
    assertTrue(cli(2, 0, "rollback", Long.toString(then), "--yes").contains("was restored as version " + (then + 2)));
  }

  private static long put(int node, String what, String json) throws IOException {
    AdminApi.Answer answer = cluster.api(node).put(CONFIG + "/" + what + "?wait=applied&timeout=30s", json);
    assertEquals(2, answer.status() / 100, answer.body().toString());
    return answer.body().path("version").asLong();
  }

  private static String cli(int node, int expected, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-XX:TieredStopAtLevel=1", "-cp", NodeProcess.home().resolve("node/target/node.jar") + ":"
            + NodeProcess.home().resolve("node/target/lib") + "/*", "io.flotilla.node.cli.FlotillaCommand", "config"));
    command.addAll(List.of(arguments));
    command.addAll(List.of("--server", cluster.api(node).url(),
        "--token-file", cluster.state(1).resolve("admin-token").toString()));
    Path output = Files.createTempFile(directory, "cli", ".txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()))
        .redirectOutput(output.toFile()).start();
    if (!process.waitFor(3, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(command + " still runs:\n" + Files.readString(output));
    }
    String text = Files.readString(output);
    assertEquals(expected, process.exitValue(), String.join(" ", arguments) + ":\n" + text);
    return text;
  }
}
