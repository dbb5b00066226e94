package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A cluster that {@code up} has started restarts node by node, behind a load balancer and under load. */
class RollingRestartTest {
  private static final int NODES = 3;
  private static final int FILE_BYTES = 200_000;

  @TempDir private Path directory;
  private int basePort;
  private AdminApi api;

  /** Sends one file under a name; returns why not, empty if it is sent. */
  private interface Client {
    String send(String name) throws IOException, InterruptedException;
  }

  @Test
  @Tag("long")
  void underLoad_noTransferFails_andChangesConverge() throws Exception {
    Launcher launcher = new Launcher(directory);
    Path data = directory.resolve("data");
    basePort = new TestCluster(directory.resolve("ports"), NODES).sftpPort() - 22;
    try {
      launcher.run(0, List.of("up", "--nodes", Integer.toString(NODES), "--detach", "--dir", data.toString(),
          "--base-port", Integer.toString(basePort)));
      api = new AdminApi("http://127.0.0.2:" + basePort, Files.readString(data.resolve("admin-token")).strip());
      api.put("/api/v1/config/users/ann?wait=applied", "{\"password\":\"" + CurlHttp.PASSWORD + "\"}").expect(201);
      Map<String, String> before = upSince();
      byte[] content = new byte[FILE_BYTES];
      new Random(1).nextBytes(content);
      Path file = Files.write(directory.resolve("file.bin"), content);
      try (TcpBalancer balancer = balancer()) {
        Load load = new Load();
        AtomicInteger changes = new AtomicInteger();
        try {
          load.start("sftp", name -> sftp(balancer, file, name));
          load.start("ftp", name -> curl("--disable-epsv", "--no-ftp-skip-pasv-ip", "-T", file.toString(),
              "ftp://" + balancer.host() + ":" + balancer.port("ftp") + "/" + name));
          load.start("http", name -> curl("-f", "-T", file.toString(),
              "http://" + balancer.host() + ":" + balancer.port("http") + "/files/" + name));
          load.run(() -> changes.addAndGet(
              api.put("/api/v1/config/groups/group-" + changes.get() + "?timeout=2s", "{}").status() / 100 == 2 ? 1 : 0));
          load.awaitEach(5);

          String told = launcher.run(0, List.of("cluster", "restart", "--rolling", "--deadline", "1m", "--dir", data.toString()));

          assertEquals(NODES, told.lines().filter(line -> line.endsWith("is back, and all are converged.")).count(), told);
          load.awaitEach(5);
        } finally {
          load.end();
        }
        assertEquals(List.of(), load.failures);
        System.out.println("Sent while all nodes restarted: " + load.sent + ", repeated: " + load.repeated);
        for (String name : load.names) {
          assertArrayEquals(content, Files.readAllBytes(data.resolve("files/users/ann/" + name)), name);
        }
        assertTrue(changes.get() > 0);
      }
      Map<String, String> after = upSince();
      assertEquals(before.keySet(), after.keySet());
      before.forEach((node, since) -> assertTrue(!since.equals(after.get(node)), node + " has not restarted"));
      await().atMost(TestCluster.SOON).until(() -> {
        for (JsonNode member : members()) {
          if (!member.path("state").asText().equals("converged")) {
            return false;
          }
        }
        return true;
      });
    } finally {
      launcher.run(-1, List.of("down", "--dir", data.toString()));
    }
  }

  private TcpBalancer balancer() throws IOException {
    String checks = "check inter 500ms fall 1 rise 1 weight 100 agent-check agent-addr %h agent-port " + (basePort + 4)
        + " agent-inter 500ms";
    List<TcpBalancer.Backend> backends = new ArrayList<>();
    Map.of("sftp", 22, "ftp", 21, "http", 80).forEach((name, offset) -> backends.add(new TcpBalancer.Backend(name,
        IntStream.rangeClosed(1, NODES).mapToObj(k -> "127.0.0." + k + ":" + (basePort + offset)).toList(), checks)));
    return TcpBalancer.start(directory.resolve("balancer"), backends, List.of("retries 3", "option redispatch 1"));
  }

  private JsonNode members() throws IOException {
    return api.get("/api/v1/cluster").expect(200).body().path("members");
  }

  private Map<String, String> upSince() throws IOException {
    Map<String, String> since = new TreeMap<>();
    members().forEach(member -> since.put(member.path("name").asText(), member.path("upSince").asText()));
    return since;
  }

  private String sftp(TcpBalancer balancer, Path file, String name) throws IOException, InterruptedException {
    OpenSsh.Result result = new OpenSsh(directory).sftp("ann", new OpenSsh.Password(CurlHttp.PASSWORD), balancer.host(),
        balancer.port("sftp"), "put " + file + " " + name + "\n",
        List.of("-o", "BatchMode=no", "-b", "/dev/stdin", "-o", "StrictHostKeyChecking=no"));
    return result.status() == 0 ? "" : result.output();
  }

  private static String curl(String... arguments) throws IOException, InterruptedException {
    CurlHttp.Result result = new CurlHttp("ann", List.of()).call(arguments);
    return result.exit() == 0 ? "" : result.output();
  }

  /** Clients that send one file after another, and try each that fails once more. */
  private static final class Load {
    final List<String> failures = Collections.synchronizedList(new ArrayList<>());
    final List<String> names = Collections.synchronizedList(new ArrayList<>());
    final Map<String, Integer> sent = Collections.synchronizedMap(new TreeMap<>());
    final Map<String, Integer> repeated = Collections.synchronizedMap(new TreeMap<>());
    private final AtomicBoolean going = new AtomicBoolean(true);
    private final List<Thread> threads = new ArrayList<>();

    private interface Step {
      void take() throws IOException, InterruptedException;
    }

    void start(String protocol, Client client) {
      sent.put(protocol, 0);
      AtomicInteger number = new AtomicInteger();
      run(() -> {
        String name = protocol + "-" + number.incrementAndGet() + ".bin";
        String why = client.send(name);
        if (!why.isEmpty()) {
          repeated.merge(protocol, 1, Integer::sum);
          String again = client.send(name);
          if (!again.isEmpty()) {
            failures.add(name + ": " + why + ", and then " + again);
            return;
          }
        }
        names.add(name);
        sent.merge(protocol, 1, Integer::sum);
      });
    }

    void run(Step step) {
      threads.add(Thread.ofVirtual().start(() -> {
        while (going.get()) {
          try {
            step.take();
          } catch (IOException e) {
            // A change that was not answered; transfers tell their failures otherwise.
          } catch (InterruptedException e) {
            return;
          }
        }
      }));
    }

    void awaitEach(int more) {
      Map<String, Integer> before = Map.copyOf(sent);
      await().atMost(TestCluster.SOON).until(() ->
          before.entrySet().stream().allMatch(one -> sent.get(one.getKey()) >= one.getValue() + more));
    }

    void end() throws InterruptedException {
      going.set(false);
      for (Thread thread : threads) {
        thread.join();
      }
    }
  }
}
