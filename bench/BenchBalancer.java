import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** An HAProxy that runs with the configuration that {@code flotilla lb haproxy} prints; it knows which connection went to which node. */
final class BenchBalancer implements AutoCloseable {
  private static final long PATIENCE_NANOS = TimeUnit.SECONDS.toNanos(20);
  /** Client, time of accepting, frontend, backend and server, times (queue, connect, total), bytes, how it ended. */
  private static final Pattern LINE = Pattern.compile(
      "(\\S+):\\d+ \\[([^]]+)] (\\S+) [^/ ]+/(\\S+) (-?\\d+)/(-?\\d+)/\\+?(\\d+) \\d+ (\\S+) .*");
  private static final DateTimeFormatter DATE = DateTimeFormatter.ofPattern("dd/MMM/yyyy:HH:mm:ss.SSS", Locale.ROOT);

  private final Process process;
  private final Path log;

  /**
   * A connection that has ended.
   *
   * @param accepted in milliseconds since 1970
   * @param connectMillis how long it took to connect to the node; -1 if it never was
   * @param state HAProxy's two letters of who ended it and when
   */
  record Connection(String client, long accepted, String frontend, String node, long connectMillis, long totalMillis, String state) {}

  private BenchBalancer(Process process, Path log) {
    this.process = process;
    this.log = log;
    Runtime.getRuntime().addShutdownHook(new Thread(process::destroyForcibly)); // for a measurement that is broken off
  }

  static BenchBalancer start(Path directory, String configuration, String host, int port) throws IOException, InterruptedException {
    Path file = Files.writeString(directory.resolve("haproxy.cfg"), configuration);
    Path log = directory.resolve("haproxy.log");
    BenchBalancer balancer = new BenchBalancer(new ProcessBuilder("/usr/sbin/haproxy", "-db", "-f", file.toString())
        .redirectErrorStream(true).redirectOutput(log.toFile()).start(), log);
    long begun = System.nanoTime();
    while (System.nanoTime() - begun < PATIENCE_NANOS && balancer.process.isAlive()) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress(host, port), 1000);
        return balancer;
      } catch (IOException notYet) {
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
    balancer.close();
    throw new IllegalStateException("HAProxy did not start: " + Files.readString(log));
  }

  /** All connections that have ended so far. */
  List<Connection> connections() throws IOException {
    List<Connection> connections = new ArrayList<>();
    for (String line : Files.readAllLines(log)) {
      Matcher matcher = LINE.matcher(line);
      if (matcher.matches()) {
        connections.add(new Connection(matcher.group(1),
            LocalDateTime.parse(matcher.group(2), DATE).atZone(ZoneId.systemDefault()).toInstant().toEpochMilli(), matcher.group(3),
            matcher.group(4).replace(":unchecked", ""), Long.parseLong(matcher.group(6)), Long.parseLong(matcher.group(7)), matcher.group(8)));
      }
    }
    return connections;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }
}
