package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The launcher as a newcomer uses it: up, the demo user, the admin commands, down, and up again. */
class LauncherTest {
  private static final Pattern DEMO = Pattern.compile("User demo has the password (\\w+) \\(shown only now\\)");
  @TempDir private Path directory;

  @Test
  void upDownAndUpAgain_keepsUsersAndFiles() throws Exception {
    Path data = directory.resolve("data");
    int basePort = new TestCluster(directory.resolve("ports"), 1).sftpPort() - 22;
    OpenSsh ssh = new OpenSsh(directory);
    List<String> up = List.of("up", "--nodes", "1", "--detach", "--dir", data.toString(),
        "--base-port", Integer.toString(basePort));
    try {
      String first = run(0, up);
      Matcher demo = DEMO.matcher(first);
      assertTrue(demo.find(), first);
      assertTrue(first.contains("http://127.0.0.1:" + basePort), first);
      assertTrue(first.contains("The web page for users is at https://127.0.0.1:" + (basePort + 43) + "/\n"), first);
      Path file = Files.writeString(directory.resolve("hello.txt"), "hello");
      OpenSsh.Password password = new OpenSsh.Password(demo.group(1));
      ssh.sftp("demo", password, "127.0.0.1", basePort + 22, "put " + file + "\n").expectSuccess();

      for (String url : List.of("ftp://127.0.0.1:" + (basePort + 21), "ftps://127.0.0.1:" + (basePort + 90))) {
        assertEquals("hello", curl(demo.group(1), url + "/hello.txt"));
      }

      assertTrue(run(1, up).contains("runs in " + data + " already"));
      Path secret = Files.writeString(directory.resolve("secret"), "another password\n");
      String dir = "--dir=" + data;
      assertTrue(run(0, List.of("user", "add", "bob", "--password-file", secret.toString(), dir)).contains("User bob was added"));
      assertTrue(run(1, List.of("user", "add", "bob", "--password-file", secret.toString(), dir)).contains("already"));
      ssh.sftp("bob", new OpenSsh.Password("another password"), "127.0.0.1", basePort + 22, "pwd\n").expectSuccess();
      assertTrue(run(0, List.of("status", dir)).contains("converged"));
      assertTrue(run(0, List.of("config", "get", "users/bob", dir)).contains("\"hasPassword\" : true"));
      run(0, List.of("config", "put", "users/carol", "{\"enabled\":false}", dir));
      assertTrue(run(1, List.of("config", "put", "users/carol", "{\"enabled\":7}", dir)).contains("/enabled must be true or false"));
      run(0, List.of("config", "delete", "users/carol", dir));
      assertTrue(run(1, List.of("config", "get", "users/carol", dir)).contains("users/carol does not exist"));

      assertTrue(run(0, List.of("node", "drain", "node-1", "--deadline", "5s", "--wait", dir)).contains("node-1 is drained"));
      assertTrue(run(1, List.of("cluster", "restart", "--rolling", dir)).contains("nothing was restarted: node-1 is draining"));
      assertTrue(run(0, List.of("node", "resume", "node-1", dir)).contains("node-1 is serving"));
      String since = upSince(dir);
      assertTrue(run(0, List.of("cluster", "restart", "--rolling", "--deadline", "5s", dir)).contains("node-1 is back"));
      assertNotEquals(since, upSince(dir));
      ssh.sftp("bob", new OpenSsh.Password("another password"), "127.0.0.1", basePort + 22, "pwd\n").expectSuccess();
      assertTrue(run(1, List.of("node", "leave", "node-1", dir)).contains("voters remove"));

      run(0, List.of("config", "patch", "listeners/https", "{\"http\": {\"webClient\": false}}", dir));
      assertTrue(run(0, List.of("down", dir)).contains("Stopped 1 node"));
      String second = run(0, up);
      assertTrue(second.contains("The web page for users is at http://127.0.0.1:" + (basePort + 80) + "/\n"), second);
      assertTrue(second.contains("was shown at the first start"), second);
      Path back = directory.resolve("back.txt");
      ssh.sftp("demo", password, "127.0.0.1", basePort + 22, "get hello.txt " + back + "\n").expectSuccess();
      assertEquals("hello", Files.readString(back));
      run(0, List.of("config", "get", "users/bob", dir));
    } finally {
      run(-1, List.of("down", "--dir", data.toString()));
    }
  }

  private String upSince(String dir) throws IOException, InterruptedException {
    String status = run(0, List.of("status", "--output", "json", dir));
    Matcher since = Pattern.compile("\"upSince\" : \"(.*)\"").matcher(status);
    assertTrue(since.find(), status);
    return since.group(1);
  }

  /** What curl gets, with TLS; the certificate is one that nobody has signed. */
  private static String curl(String password, String url) throws IOException {
    Process process = new ProcessBuilder("curl", "-q", "-sS", "--max-time", "60", "--ssl-reqd", "--insecure", "-u", "demo:" + password, url)
        .redirectErrorStream(true).start();
    return new String(process.getInputStream().readAllBytes());
  }

  private String run(int expected, List<String> arguments) throws IOException, InterruptedException {
    return new Launcher(directory).run(expected, arguments);
  }
}
