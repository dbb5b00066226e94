package io.flotilla.system;

import static org.awaitility.Awaitility.await;

import io.flotilla.system.clients.ClientProcess;
import io.flotilla.system.clients.Command;
import io.flotilla.system.clients.Site;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** A cluster that is opened for every client: SFTP, FTP in clear and with TLS, and what clients need to know for it. */
final class ClientSites {
  static final String PASSWORD = "correct horse";
  private static final long PATIENCE_SECONDS = 60;

  private final TestCluster cluster;
  private final Path directory;
  private final Site.Key key;
  private final Site.Password password;
  private final Site.Trust trust;

  /** Opens the listeners and makes a key pair. */
  ClientSites(TestCluster cluster, Path directory) throws IOException, InterruptedException {
    this.cluster = cluster;
    this.directory = directory;
    this.key = new Site.Key(directory.resolve("key"), directory.resolve("key.ppk"));
    run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key.file().toString());
    run("puttygen", key.file().toString(), "-o", key.putty().toString());
    this.password = new Site.Password(PASSWORD, askPass());
    this.trust = openListeners();
  }

  private Site.Trust openListeners() throws IOException, InterruptedException {
    cluster.api(1).put("/api/v1/config/certificates/ftp?wait=applied",
        "{\"selfSigned\":{\"names\":[\"127.0.0.1\",\"127.0.0.2\",\"127.0.0.3\"]}}").expect(201);
    Path certificate = Files.writeString(directory.resolve("ftp.pem"),
        cluster.api(1).get("/api/v1/config/certificates/ftp").expect(200).body().path("certificate").asText());
    openFtp("ftp", cluster.ftpPort(), "explicit");
    openFtp("ftps", cluster.otherFtpPort(), "implicit");
    StringBuilder knownHosts = new StringBuilder();
    for (int k = 1; k <= cluster.size(); k++) {
      knownHosts.append(run("ssh-keyscan", "-t", "ed25519", "-p", Integer.toString(cluster.sftpPort()), cluster.host(k)));
    }
    String hostKey = knownHosts.toString().lines().filter(line -> !line.startsWith("#")).findFirst().orElseThrow().split(" ")[2];
    return new Site.Trust(Files.writeString(directory.resolve("known_hosts"), knownHosts), fingerprint(hostKey), certificate);
  }

  private void openFtp(String name, int port, String tls) {
    String listener = "{\"protocol\":\"ftp\",\"port\":" + port + ",\"ftp\":{\"tls\":\"" + tls + "\",\"certificate\":\"ftp\"}}";
    // Nodes that have just started may take longer over their first certificate than they are given for an answer.
    await().atMost(TestCluster.SOON).until(() ->
        cluster.api(1).put("/api/v1/config/listeners/" + name + "?wait=applied", listener).status() == 201);
  }

  /** Adds a user who may log in by password and by key. */
  void addUser(String user) throws IOException {
    cluster.api(1).put("/api/v1/config/users/" + user + "?wait=applied",
        "{\"password\":\"" + PASSWORD + "\",\"publicKeys\":[\"" + publicKey() + "\"]}").expect(201);
  }

  /** That of the key pair, in one line. */
  String publicKey() throws IOException {
    return Files.readString(key.publicKey()).strip();
  }

  /** By node. */
  Map<Integer, Site> byPassword(String user) {
    return sites(user, password);
  }

  /** By node. */
  Map<Integer, Site> byKey(String user) {
    return sites(user, key);
  }

  private Map<Integer, Site> sites(String user, Site.Credential credential) {
    Map<Integer, Site> sites = new TreeMap<>();
    for (int k = 1; k <= cluster.size(); k++) {
      sites.put(k, new Site(cluster.host(k), cluster.sftpPort(), cluster.ftpPort(), cluster.otherFtpPort(), user, credential, trust));
    }
    return sites;
  }

  private Path askPass() throws IOException {
    Path script = Files.writeString(directory.resolve("askpass"), "#!/bin/sh\nprintf '%s\\n' \"$" + Site.Password.VARIABLE + "\"\n");
    return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
  }

  private static String fingerprint(String hostKey) {
    try {
      return Base64.getEncoder().withoutPadding()
          .encodeToString(MessageDigest.getInstance("SHA-256").digest(Base64.getDecoder().decode(hostKey)));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private String run(String... line) throws IOException, InterruptedException {
    return ClientProcess.run(new Command(List.of(line), Map.of(), ""), directory, PATIENCE_SECONDS);
  }
}
