import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A client of one protocol at an address of its own, as people use it: OpenSSH's sftp, and curl. Each call is a process and a
 * connection of its own. Clients are more patient than a node may be frozen, but not for ever.
 */
abstract class BenchClient {
  static final String USER = "ann";
  static final String PASSWORD = "correct horse";
  private static final long PATIENCE_SECONDS = 90;
  private static final int CONNECT_SECONDS = 12;
  private static final int STALL_SECONDS = 16;

  /** What the client calls home, for its files and scripts. */
  final Path directory;
  final String address;
  final String host;
  final int port;

  BenchClient(Path directory, String address, String host, int port) {
    this.directory = directory;
    this.address = address;
    this.host = host;
    this.port = port;
  }

  /** How a process ended. */
  record Result(int status, String output) {
    boolean isGood() {
      return status == 0;
    }
  }

  /** @param rate bytes per second, at most */
  abstract Result put(Path file, String name, int rate) throws IOException, InterruptedException;

  abstract Result get(String name, Path file, int rate) throws IOException, InterruptedException;

  /** Begins a large upload, of which {@link #resume} can send the rest. */
  abstract Result begin(Path file, String name, int rate) throws IOException, InterruptedException;

  /** Sends what of a file has not come yet, whichever node it is led to. */
  abstract Result resume(Path file, String name, int rate) throws IOException, InterruptedException;

  final Result run(List<String> command, String input) throws IOException, InterruptedException {
    Path output = Files.createTempFile(directory, "output", ".txt");
    Path commands = Files.createTempFile(directory, "input", ".txt");
    try {
      Files.writeString(commands, input);
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile())
          .redirectInput(commands.toFile());
      builder.environment().put("SSH_ASKPASS", askPass().toString());
      builder.environment().put("SSH_ASKPASS_REQUIRE", "force");
      Process process = builder.start();
      try {
        if (!process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)) {
          return new Result(-1, "still ran after " + PATIENCE_SECONDS + " s");
        }
      } finally {
        process.destroyForcibly();
      }
      return new Result(process.exitValue(), Files.readString(output, StandardCharsets.ISO_8859_1).strip());
    } finally {
      Files.deleteIfExists(output);
      Files.deleteIfExists(commands);
    }
  }

  private Path askPass() throws IOException {
    Path script = directory.resolve("askpass");
    if (!Files.exists(script)) {
      Path made = Files.createTempFile(directory, "askpass", "", PosixFilePermissions.asFileAttribute(
          PosixFilePermissions.fromString("rwx------")));
      Files.writeString(made, "#!/bin/sh\necho '" + PASSWORD + "'\n");
      Files.move(made, script);
    }
    return script;
  }

  final Result curl(String... arguments) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of("curl", "-q", "-sS", "-k", "--interface", address, "-u", USER + ":" + PASSWORD,
        "--connect-timeout", Integer.toString(CONNECT_SECONDS), "--speed-limit", "1", "--speed-time", Integer.toString(STALL_SECONDS)));
    command.addAll(List.of(arguments));
    return run(command, "");
  }

  /** By OpenSSH's sftp, with {@code reput} to resume. */
  static final class Sftp extends BenchClient {
    Sftp(Path directory, String address, String host, int port) {
      super(directory, address, host, port);
    }

    private Result sftp(int rate, String line) throws IOException, InterruptedException {
      // Its limit is in Kbit/s. The commands come on standard input since -b would never ask for a password.
      return run(List.of("sftp", "-q", "-o", "BatchMode=no", "-b", "/dev/stdin", "-l", Integer.toString(rate * 8 / 1000),
          "-o", "BindAddress=" + address,
          "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "PubkeyAuthentication=no",
          "-o", "NumberOfPasswordPrompts=1", "-o", "ConnectTimeout=" + CONNECT_SECONDS,
          "-o", "ServerAliveInterval=" + STALL_SECONDS / 2, "-o", "ServerAliveCountMax=2",
          "-P", Integer.toString(port), USER + "@" + host), line + "\n");
    }

    @Override
    Result put(Path file, String name, int rate) throws IOException, InterruptedException {
      return sftp(rate, "put " + file + " " + name);
    }

    @Override
    Result get(String name, Path file, int rate) throws IOException, InterruptedException {
      return sftp(rate, "get " + name + " " + file);
    }

    @Override
    Result begin(Path file, String name, int rate) throws IOException, InterruptedException {
      return put(file, name, rate);
    }

    @Override
    Result resume(Path file, String name, int rate) throws IOException, InterruptedException {
      Result resumed = sftp(rate, "reput " + file + " " + name);
      if (resumed.output().contains("No such file")) {
        return put(file, name, rate); // nothing of it had come
      }
      // The whole file had come, and only the last word was lost.
      return resumed.output().contains("same size or larger") ? new Result(0, "") : resumed;
    }
  }

  /** By curl, which asks for SIZE and sends APPE to resume. */
  static final class Ftp extends BenchClient {
    Ftp(Path directory, String address, String host, int port) {
      super(directory, address, host, port);
    }

    private String url(String name) {
      return "ftp://" + host + ":" + port + "/" + name;
    }

    @Override
    Result put(Path file, String name, int rate) throws IOException, InterruptedException {
      return curl("--limit-rate", Integer.toString(rate), "-T", file.toString(), url(name));
    }

    @Override
    Result get(String name, Path file, int rate) throws IOException, InterruptedException {
      return curl("--limit-rate", Integer.toString(rate), "-o", file.toString(), url(name));
    }

    @Override
    Result begin(Path file, String name, int rate) throws IOException, InterruptedException {
      return put(file, name, rate);
    }

    @Override
    Result resume(Path file, String name, int rate) throws IOException, InterruptedException {
      return curl("--limit-rate", Integer.toString(rate), "-C", "-", "-T", file.toString(), url(name));
    }
  }

  /** By curl over HTTPS; large uploads by tus. */
  static final class Https extends BenchClient {
    private static final String TUS = "Tus-Resumable: 1.0.0";
    private static final Pattern LOCATION = Pattern.compile("(?im)^location: *(?:https://[^/]*)?(/\\S+)");
    private static final Pattern OFFSET = Pattern.compile("(?im)^upload-offset: *(\\d+)");
    private String upload = "";

    Https(Path directory, String address, String host, int port) {
      super(directory, address, host, port);
    }

    private String url(String path) {
      return "https://" + host + ":" + port + path;
    }

    @Override
    Result put(Path file, String name, int rate) throws IOException, InterruptedException {
      return curl("-f", "--limit-rate", Integer.toString(rate), "-T", file.toString(), url("/files/" + name));
    }

    @Override
    Result get(String name, Path file, int rate) throws IOException, InterruptedException {
      return curl("-f", "--limit-rate", Integer.toString(rate), "-o", file.toString(), url("/files/" + name));
    }

    @Override
    Result begin(Path file, String name, int rate) throws IOException, InterruptedException {
      upload = "";
      return resume(file, name, rate);
    }

    @Override
    Result resume(Path file, String name, int rate) throws IOException, InterruptedException {
      long offset = 0;
      if (upload.isEmpty()) {
        Result created = curl("-f", "-i", "-X", "POST", "-H", TUS, "-H", "Upload-Length: " + Files.size(file), "-H", "Upload-Metadata: path "
            + Base64.getEncoder().encodeToString(("/" + name).getBytes(StandardCharsets.UTF_8)), url("/uploads"));
        Matcher location = LOCATION.matcher(created.output());
        if (!created.isGood() || !location.find()) {
          return new Result(1, created.output());
        }
        upload = location.group(1);
      } else {
        Result head = curl("-f", "-I", "-H", TUS, url(upload));
        Matcher found = OFFSET.matcher(head.output());
        if (!head.isGood() || !found.find()) {
          return new Result(1, head.output());
        }
        offset = Long.parseLong(found.group(1));
      }
      Path rest = Files.createTempFile(directory, "rest", ".bin");
      try (var in = Files.newInputStream(file); var out = Files.newOutputStream(rest)) {
        in.skipNBytes(offset);
        in.transferTo(out);
        out.close();
        return curl("-f", "-X", "PATCH", "--limit-rate", Integer.toString(rate), "-T", rest.toString(), "-H", TUS, "-H", "Expect:",
            "-H", "Content-Type: application/offset+octet-stream", "-H", "Upload-Offset: " + offset, url(upload));
      } finally {
        Files.deleteIfExists(rest);
      }
    }
  }
}
