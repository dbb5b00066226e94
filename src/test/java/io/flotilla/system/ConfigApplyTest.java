package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A configuration kept as a file: exported, edited, and applied by the command line. */
class ConfigApplyTest {
  private static final String CONFIG = "/api/v1/config";
  @TempDir private static Path directory;
  private static TestCluster cluster;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 2);
  }

  @AfterAll
  static void stop() {
    cluster.close();
  }

  @Test
  void exportedFile_appliedAgain_hasNothingToDo_andEdited_isOneChange() throws Exception {
    OpenSsh ssh = new OpenSsh(directory);
    Path file = directory.resolve("config.json");
    put("users/ann", "{\"password\":\"the old one\"}");
    put("users/bob", "{}");
    cli(0, "", "export", file.toString());
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
    String text = Files.readString(file);
    assertFalse(text.contains("argon2") || text.contains("PRIVATE") || text.contains("$sealed"), text);
    assertEquals(text, cli(0, "", "export"));
    assertTrue(cli(0, "", "apply", file.toString()).startsWith("Nothing to change"));
    long head = cluster.api(1).version();

    Files.writeString(file, text.replace("\"bob\"", "\"bert\""));
    String plan = cli(1, "", "apply", file.toString());

    assertTrue(plan.contains("+ users/bert\n") && plan.contains("- users/bob\n"), plan);
    assertTrue(plan.contains("Plan: 1 created, 0 changed, 1 deleted, from version " + head + "."), plan);
    assertTrue(plan.contains("no terminal"), plan);
    assertTrue(cli(1, "", "apply", file.toString(), "--yes").contains("give --delete"));
    assertTrue(cli(0, "", "apply", file.toString(), "--dry-run").contains("Plan:"));
    assertEquals(head, cluster.api(1).version());

    assertTrue(cli(0, "", "apply", file.toString(), "--yes", "--delete", "--comment", "from the file", "--wait", "applied")
        .endsWith("Version " + (head + 1) + " was made: 1 created, 0 changed, 1 deleted.\n"));

    cluster.api(2).get(CONFIG + "/users/bob").expect(404);
    cluster.api(2).get(CONFIG + "/users/bert").expect(200);
    // The file does not hold the password; it stays.
    ssh.sftp("ann", new OpenSsh.Password("the old one"), cluster.host(2), cluster.sftpPort(), "ls\n").expectSuccess();
    assertTrue(cluster.api(2).get(CONFIG + "/history?limit=1").body().toString().contains("from the file"));
  }

  @Test
  void importFromStandardInput_isOneChange_andBadOnesSayWhereTheyAreBad() throws Exception {
    String users = "{\"format\":1,\"entities\":{\"users\":{\"carl\":{\"enabled\":false}}}}";
    long head = cluster.api(1).version();
    assertTrue(cli(0, users, "import", "-").startsWith("Version " + (head + 1) + " was made: 1 created"));
    assertEquals("~ users/carl  enabled false -> true\nPlan: 0 created, 1 changed, 0 deleted, from version " + (head + 1) + ".\n",
        cli(0, users.replace("false", "true"), "import", "-", "--dry-run"));

    String many = IntStream.range(0, 30).mapToObj(i -> "\"many-" + i + "\":{}").collect(Collectors.joining(","));
    cli(0, "{\"format\":1,\"entities\":{\"users\":{" + many + "}}}", "import", "-");
    head++;
    assertTrue(cli(0, "", "history", "--limit", "1").contains("put users/many-9  and 20 more"));
    assertTrue(cli(1, users.replace("false", "7"), "import", "-").contains("/entities/users/carl/enabled must be true or false"));
    assertTrue(cli(1, users.substring(0, 40), "import", "-").contains("not JSON"));
    assertTrue(cli(1, "{\"format\":1,\"entities\":{\"admins\":{}}}", "apply", "-", "--yes", "--delete").contains("last admin"));
    assertTrue(cli(1, "", "apply", directory.resolve("missing").toString()).contains("cannot be read"));
    assertEquals(head + 1, cluster.api(1).version());
  }

  @Test
  void sealedExport_bringsBackADeletedUserWithThePassword() throws Exception {
    OpenSsh ssh = new OpenSsh(directory);
    Path file = directory.resolve("backup.json");
    put("users/dora", "{\"password\":\"hunter2\"}");
    assertTrue(cli(0, "", "export", file.toString(), "--secrets", "sealed").contains("cluster.key"));
    cluster.api(1).send("DELETE", CONFIG + "/users/dora?wait=applied", "").expect(200);

    cli(0, "", "import", file.toString(), "--wait", "applied");

    ssh.sftp("dora", new OpenSsh.Password("hunter2"), cluster.host(2), cluster.sftpPort(), "ls\n").expectSuccess();
  }

  @Test
  @Tag("long")
  void backupAndClusterKey_bringALostClusterBack_withItsPasswordsAndTokens() throws Exception {
    Path backup = directory.resolve("all.json");
    Path key = directory.resolve("saved.key");
    OpenSsh ssh = new OpenSsh(directory);
    String oldToken;
    try (TestCluster lost = TestCluster.start(directory.resolve("lost"), 1)) {
      oldToken = lost.api(1).token();
      lost.api(1).put(CONFIG + "/users/erin", "{\"password\":\"hunter2\"}").expect(201);
      lost.api(1).send("PATCH", CONFIG + "/listeners/sftp", "{\"idleTimeout\":\"7m\"}").expect(200);
      cli(lost.api(1), 0, "", "export", backup.toString(), "--secrets", "sealed");
      Files.copy(lost.state(1).resolve("cluster.key"), key);
    }
    try (TestCluster again = TestCluster.start(directory.resolve("again"), 1, Optional.empty(),
        List.of("--cluster-key", key.toString()))) {
      AdminApi old = new AdminApi(again.api(1).url(), oldToken);
      String answer = cli(again.api(1), 0, "", "apply", backup.toString(), "--yes", "--delete", "--wait", "applied");

      assertTrue(answer.contains("! admins/admin is you: after this your role is admin and your token is another one"), answer);
      again.api(1).get(CONFIG).expect(401);
      old.get(CONFIG).expect(200);
      int port = old.get(CONFIG + "/listeners/sftp").expect(200).body().path("port").asInt();
      ssh.sftp("erin", new OpenSsh.Password("hunter2"), again.host(1), port, "ls\n").expectSuccess();
      assertTrue(cli(old, 0, "", "apply", backup.toString()).startsWith("Nothing to change"));
    }
  }

  private static void put(String what, String json) throws IOException {
    AdminApi.Answer answer = cluster.api(1).put(CONFIG + "/" + what + "?wait=applied&timeout=30s", json);
    assertEquals(2, answer.status() / 100, answer.body().toString());
  }

  private static String cli(int expected, String input, String... arguments) throws Exception {
    return cli(cluster.api(2), expected, input, arguments);
  }

  private static String cli(AdminApi api, int expected, String input, String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(Path.of(System.getProperty("java.home"), "bin", "java").toString(),
        "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", NodeProcess.home().resolve("node/target/node.jar") + ":"
            + NodeProcess.home().resolve("node/target/lib") + "/*", "io.flotilla.node.cli.FlotillaCommand", "config"));
    command.addAll(List.of(arguments));
    Path token = Files.writeString(Files.createTempFile(directory, "token", ""), api.token());
    command.addAll(List.of("--server", api.url(), "--token-file", token.toString()));
    Path output = Files.createTempFile(directory, "cli", ".txt");
    Path given = Files.writeString(Files.createTempFile(directory, "input", ".txt"), input);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(given.toFile())
        .redirectOutput(output.toFile()).start();
    if (!process.waitFor(1, TimeUnit.MINUTES)) {
      process.destroyForcibly();
      throw new AssertionError(command + " still runs:\n" + Files.readString(output));
    }
    String text = Files.readString(output);
    assertEquals(expected, process.exitValue(), String.join(" ", arguments) + ":\n" + text);
    return text;
  }
}
