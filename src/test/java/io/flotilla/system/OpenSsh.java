package io.flotilla.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** OpenSSH's own programs as clients. */
final class OpenSsh {
  private static final long PATIENCE_SECONDS = 90;
  private final Path directory;

  OpenSsh(Path directory) {
    this.directory = directory;
  }

  /** How a client proves who it is. */
  sealed interface Credential {}

  record Password(String text) implements Credential {}

  record Key(Path file) implements Credential {}

  record Result(int status, String output) {
    Result expectSuccess() {
      if (status != 0) {
        throw new AssertionError("sftp failed with status " + status + ":\n" + output);
      }
      return this;
    }
  }

  /** Makes a key pair; the public key is in the same place with the ending .pub. */
  Key generateKey(String name) throws IOException, InterruptedException {
    Path file = directory.resolve(name);
    Process process = new ProcessBuilder("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file.toString())
        .redirectErrorStream(true).start();
    finish(process, new String(process.getInputStream().readAllBytes()));
    return new Key(file);
  }

  Result sftp(String user, Credential credential, String host, int port, String batch)
      throws IOException, InterruptedException {
    return sftp(user, credential, host, port, batch, List.of());
  }

  Result sftp(String user, Credential credential, String host, int port, String batch, List<String> options)
      throws IOException, InterruptedException {
    Process process = start(user, credential, host, port, batch, options);
    return finish(process, new String(process.getInputStream().readAllBytes()));
  }

  /** Starts sftp with a batch and leaves it running. */
  Process start(String user, Credential credential, String host, int port, String batch, List<String> options)
      throws IOException {
    Path batchFile = Files.createTempFile(directory, "batch", ".txt");
    Files.writeString(batchFile, batch);
    List<String> command = new ArrayList<>(List.of("sftp", "-q"));
    // -b would force BatchMode, which never asks for a password; so the commands come on standard input.
    command.addAll(List.of("-o", "StrictHostKeyChecking=accept-new", "-o", "UserKnownHostsFile=" + knownHosts(host),
        "-o", "NumberOfPasswordPrompts=1", "-P", Integer.toString(port)));
    command.addAll(switch (credential) {
      case Key key -> List.of("-i", key.file().toString(), "-o", "PreferredAuthentications=publickey");
      case Password password -> List.of("-o", "PreferredAuthentications=password", "-o", "PubkeyAuthentication=no");
    });
    command.addAll(options);
    command.add(user + "@" + host);
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectInput(batchFile.toFile());
    if (credential instanceof Password password) {
      builder.environment().put("SSH_ASKPASS", askPass().toString());
      builder.environment().put("SSH_ASKPASS_REQUIRE", "force");
      builder.environment().put("FLOTILLA_TEST_PASSWORD", password.text());
    }
    return builder.start();
  }

  /** The host key a client has seen at a host, as known_hosts holds it. */
  String hostKey(String host) throws IOException {
    String line = Files.readAllLines(knownHosts(host)).getFirst();
    return line.substring(line.indexOf(' ') + 1);
  }

  static Result finish(Process process, String output) throws InterruptedException {
    if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new AssertionError("the client still runs after " + PATIENCE_SECONDS + " s:\n" + output);
    }
    return new Result(process.exitValue(), output);
  }

  private Path knownHosts(String host) {
    return directory.resolve("known_hosts_" + host);
  }

  private Path askPass() throws IOException {
    Path script = directory.resolve("askpass");
    if (!Files.exists(script)) {
      Files.writeString(script, "#!/bin/sh\nprintf '%s\\n' \"$FLOTILLA_TEST_PASSWORD\"\n");
      Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    }
    return script;
  }
}
