package io.flotilla.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.io.TempDir;

/** A real browser, behind a load balancer that sends each request to another of three nodes. */
abstract class WebClientFixture {
  static final String PASSWORD = "correct horse";
  static final Duration LONG = Duration.ofSeconds(150);

  @TempDir static Path directory;
  static TestCluster cluster;
  static HaProxy proxy;
  @TempDir Path temp;
  WebBrowser browser;

  @BeforeAll
  static void start() throws IOException {
    cluster = TestCluster.start(directory.resolve("cluster"), 3);
    cluster.api(1).put("/api/v1/config/listeners/http?wait=applied",
        "{\"protocol\":\"http\",\"port\":" + cluster.httpPort() + ",\"http\":{\"tls\":false}}").expect(201);
    proxy = HaProxy.start(directory, IntStream.rangeClosed(1, 3).mapToObj(k -> cluster.host(k) + ":" + cluster.httpPort()).toList());
  }

  @AfterAll
  static void stop() {
    proxy.close();
    cluster.close();
  }

  @BeforeEach
  void openBrowser() throws IOException {
    browser = WebBrowser.open(temp.resolve("browser"), proxy.url());
  }

  @AfterEach
  void closeBrowser() {
    browser.close();
  }

  /** @return the user's home on disk */
  static Path user(String name) throws IOException {
    cluster.api(1).put("/api/v1/config/users/" + name + "?wait=applied", "{\"password\":\"" + PASSWORD + "\"}").expect(201);
    return Files.createDirectories(cluster.files().resolve("users").resolve(name));
  }

  static byte[] random(int size) {
    byte[] data = new byte[size];
    new Random(size).nextBytes(data);
    return data;
  }

  static Path write(Path file, String text) throws IOException {
    Files.createDirectories(file.getParent());
    return Files.writeString(file, text);
  }
}
