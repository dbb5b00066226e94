import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Measures transfers, logins and idle sessions of one node beside OpenSSH, vsftpd, ProFTPD and nginx, all in one run and by turns:
 * the same clients, files and machine. Files are in memory where there is enough of it, so that no disk is measured.
 * Compare only the ratios of one run; clients and servers share the processors.
 */
class Transfer {
  private static final int ROUNDS = 5;
  private static final int WARM_UPS = 1;
  /** That a client of FTP or HTTP moves in one session. */
  private static final int FILES = 4;
  /** Until the compiler is done with what a small file needs: a server has it behind it after its first minute. */
  private static final int SMALL_WARM_UPS = 12;
  private static final long LARGE = 1L << 30;
  private static final int SMALL_FILES = 1000;
  private static final int SMALL = 10 * 1024;
  private static final int LOGINS = 200;
  private static final int PARALLEL_LOGINS = 4;
  private static final int WARM_SESSIONS = 100;
  private static final int IDLE_SFTP = 200;
  /** So many because a password's hash takes 19 MiB for a moment, some of which the process keeps. */
  private static final int IDLE_FTP = 1000;
  /** The collector gives memory back in steps. */
  private static final int COLLECTIONS = 5;
  private static final int BASE_PORT = 26_000;
  private static final int SFTP_PORT = BASE_PORT + 22;
  private static final int FTP_PORT = BASE_PORT + 21;
  private static final int HTTP_PORT = BASE_PORT + 80;
  private static final int HTTPS_PORT = BASE_PORT + 43;
  private static final Path MEMORY = Path.of("/dev/shm");

  private final Path work;
  private final Path root;
  private final BenchCluster cluster;
  private final PeerServers peers;
  private final String wanted;
  private Path key;

  private Transfer(Path work, BenchCluster cluster, String wanted) throws IOException {
    this.work = work;
    this.root = Files.createDirectories(work.resolve("root"));
    this.cluster = cluster;
    this.wanted = wanted;
    this.peers = new PeerServers(work, root);
  }

  /**
   * One server's part of a comparison.
   *
   * @param amount what one run moves, in the unit of the rate: bytes or a number of things
   */
  private record Cell(String server, ProcessTree tree, double amount, Callable<Void> run) {}

  /**
   * @param goal the least ratio of the second cell's rate to the first one's
   * @param warmUps rounds that don't count
   */
  private record Comparison(String what, double goal, int warmUps, Cell peer, Cell own) {}

  /** Rates and the server's processor seconds, of each round. */
  private record Figures(double[] rates, double[] cpu) {}

  /** Takes Flotilla's home and, if not all is to be measured, what the names of the lines wanted contain. */
  public static void main(String[] arguments) throws Exception {
    BenchCluster.printMachine();
    boolean inMemory = Files.isDirectory(MEMORY) && Files.getFileStore(MEMORY).getUsableSpace() > 8 * LARGE;
    Path work = inMemory ? Files.createTempDirectory(MEMORY, "flotilla-bench") : Files.createTempDirectory("flotilla-bench");
    try (BenchCluster cluster = new BenchCluster(Path.of(arguments[0]), Files.createTempDirectory("flotilla-bench"), BASE_PORT)) {
      Transfer bench = new Transfer(work, cluster, arguments.length > 1 ? arguments[1] : "");
      System.out.printf("Files are %s. Medians of %d rounds by turns [least to most].%n%n",
          inMemory ? "in memory" : "on disk", ROUNDS);
      try (PeerServers peers = bench.peers) {
        bench.run();
      }
    } finally {
      try (Stream<Path> files = Files.walk(work)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
  }

  private void run() throws Exception {
    prepare();
    if ("idle sessions".contains(wanted)) {
      idleSessions();
    }
    ProcessTree node = new ProcessTree(cluster.process(1));
    ProcessTree sshd = new ProcessTree(peers.sshd.process());
    ProcessTree vsftpd = new ProcessTree(peers.vsftpd.process());
    ProcessTree proftpd = new ProcessTree(peers.proftpd.process());
    ProcessTree nginx = new ProcessTree(peers.nginx.process());
    String own = PeerServers.USER + "@127.0.0.1";
    String ftp = "ftp://127.0.0.1:";
    String login = "ftp://" + PeerServers.USER + ":" + PeerServers.PASSWORD + "@127.0.0.1:";
    String ftpOwn = login + FTP_PORT;
    System.out.printf("%n%-30s %-9s %26s %8s %18s%n", "", "server", "MB/s (files/s, logins/s)", "ratio", "server's CPU");
    compare(new Comparison("SFTP 1 GiB down", 0.95, WARM_UPS,
        cell("OpenSSH", sshd, LARGE, () -> sftp("root", peers.sshd.port(), "get large " + sink())),
        cell("Flotilla", node, LARGE, () -> sftp(own, SFTP_PORT, "get large " + sink()))));
    compare(new Comparison("SFTP 1 GiB up", 1.1, WARM_UPS,
        cell("OpenSSH", sshd, LARGE, () -> sftp("root", peers.sshd.port(), "put " + source() + " up/large0")),
        cell("Flotilla", node, LARGE, () -> sftp(own, SFTP_PORT, "put " + source() + " up/large0"))));
    compare(new Comparison("SFTP 1,000 files of 10 KiB get", 1.0, SMALL_WARM_UPS,
        cell("OpenSSH", sshd, SMALL_FILES, () -> sftp("root", peers.sshd.port(), "get small/* " + fresh("got") + "/")),
        cell("Flotilla", node, SMALL_FILES, () -> sftp(own, SFTP_PORT, "get small/* " + fresh("got") + "/"))));
    compare(new Comparison("SFTP 1,000 files of 10 KiB put", 1.0, SMALL_WARM_UPS,
        cell("OpenSSH", sshd, SMALL_FILES, () -> sftp("root", peers.sshd.port(), "put " + small() + " " + fresh("root/up/s"))),
        cell("Flotilla", node, SMALL_FILES, () -> sftp(own, SFTP_PORT, "put " + small() + " " + inRoot(fresh("root/up/s"))))));
    // In one session each four times, because a password's hash is a good part of the time that one file takes.
    compare(new Comparison("FTP 4 x 1 GiB down", 0.9, WARM_UPS,
        cell("vsftpd", vsftpd, 4 * LARGE, () -> curl(fourDown(ftp + peers.vsftpd.port()))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(fourDown(ftpOwn)))));
    compare(new Comparison("FTP 4 x 1 GiB up", 0.9, WARM_UPS,
        cell("vsftpd", vsftpd, 4 * LARGE, () -> curl(fourUp(ftp + peers.vsftpd.port()))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(fourUp(ftpOwn)))));
    compare(new Comparison("FTPS 4 x 1 GiB down", 1.0, WARM_UPS,
        cell("ProFTPD", proftpd, 4 * LARGE, () -> curlTls(fourDown(login + peers.proftpd.port()))),
        cell("Flotilla", node, 4 * LARGE, () -> curlTls(fourDown(ftpOwn)))));
    compare(new Comparison("FTPS 4 x 1 GiB up", 1.0, WARM_UPS,
        cell("ProFTPD", proftpd, 4 * LARGE, () -> curlTls(fourUp(login + peers.proftpd.port()))),
        cell("Flotilla", node, 4 * LARGE, () -> curlTls(fourUp(ftpOwn)))));
    String http = "http://127.0.0.1:" + peers.nginx.port();
    String https = "https://127.0.0.1:" + peers.nginxTlsPort;
    String httpOwn = "http://" + PeerServers.USER + ":" + PeerServers.PASSWORD + "@127.0.0.1:" + HTTP_PORT + "/files";
    String httpsOwn = "https://" + PeerServers.USER + ":" + PeerServers.PASSWORD + "@127.0.0.1:" + HTTPS_PORT + "/files";
    compare(new Comparison("HTTP 4 x 1 GiB down", 0.6, WARM_UPS,
        cell("nginx", nginx, 4 * LARGE, () -> curl(fourDown(http))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(fourDown(httpOwn)))));
    compare(new Comparison("HTTP 4 x 1 GiB up", 0.9, WARM_UPS,
        cell("nginx", nginx, 4 * LARGE, () -> curl(fourUp(http))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(fourUp(httpOwn)))));
    compare(new Comparison("HTTPS 4 x 1 GiB down", 0.5, WARM_UPS,
        cell("nginx", nginx, 4 * LARGE, () -> curl(insecure(fourDown(https)))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(insecure(fourDown(httpsOwn))))));
    compare(new Comparison("HTTPS 4 x 1 GiB up", 0.8, WARM_UPS,
        cell("nginx", nginx, 4 * LARGE, () -> curl(insecure(fourUp(https)))),
        cell("Flotilla", node, 4 * LARGE, () -> curl(insecure(fourUp(httpsOwn))))));
    compare(new Comparison("SFTP logins by key", 2.0, WARM_UPS,
        cell("OpenSSH", sshd, LOGINS, () -> logins("root", peers.sshd.port())),
        cell("Flotilla", node, LOGINS, () -> logins(PeerServers.USER, SFTP_PORT))));
  }

  private static Cell cell(String server, ProcessTree tree, double amount, Callable<Void> run) {
    return new Cell(server, tree, amount, run);
  }

  private void prepare() throws Exception {
    Files.createDirectories(root.resolve("small"));
    Files.createDirectories(root.resolve("up"));
    byte[] part = new byte[1 << 20];
    Random random = new Random(1);
    try (OutputStream large = Files.newOutputStream(root.resolve("large"))) {
      for (long written = 0; written < LARGE; written += part.length) {
        random.nextBytes(part);
        large.write(part);
      }
    }
    for (int i = 0; i < SMALL_FILES; i++) {
      Files.write(root.resolve("small/f" + i), Arrays.copyOf(part, SMALL));
    }
    key = peers.key("id_ecdsa", "ecdsa");
    // The servers work as users of their own.
    for (Path directory : List.of(work, root)) {
      Files.setPosixFilePermissions(directory, PosixFilePermissions.fromString("rwxr-xr-x"));
    }
    Files.setPosixFilePermissions(root.resolve("up"), PosixFilePermissions.fromString("rwxrwxrwx"));
    peers.start();
    cluster.up(1);
    cluster.send("PUT", 1, "/api/v1/config/storages/bench", "{\"path\":\"" + root + "\"}");
    cluster.send("PUT", 1, "/api/v1/config/users/" + PeerServers.USER + "?wait=applied", "{\"password\":\""
        + PeerServers.PASSWORD + "\",\"publicKeys\":[\"" + Files.readString(Path.of(key + ".pub")).strip()
        + "\"],\"home\":{\"storage\":\"bench\",\"path\":\"/\"}}");
  }

  /** Rounds by turns after those that don't count; prints the medians. */
  private void compare(Comparison comparison) throws Exception {
    if (!comparison.what().contains(wanted)) {
      return;
    }
    List<Cell> cells = List.of(comparison.peer(), comparison.own());
    List<Figures> figures = List.of(new Figures(new double[ROUNDS], new double[ROUNDS]), new Figures(new double[ROUNDS], new double[ROUNDS]));
    for (int round = 0; round < comparison.warmUps(); round++) {
      for (Cell cell : cells) {
        forgetUploads();
        cell.run().call();
      }
    }
    for (int round = 0; round < ROUNDS; round++) {
      for (int turn = 0; turn < cells.size(); turn++) {
        int i = (turn + round) % cells.size();
        Cell cell = cells.get(i);
        forgetUploads();
        double cpu = cell.tree().cpuSeconds();
        long begun = System.nanoTime();
        cell.run().call();
        figures.get(i).rates()[round] = cell.amount() / ((System.nanoTime() - begun) / 1e9);
        figures.get(i).cpu()[round] = cell.tree().cpuSeconds() - cpu;
      }
    }
    double peer = BenchCluster.median(figures.getFirst().rates());
    for (int i = 0; i < cells.size(); i++) {
      Cell cell = cells.get(i);
      boolean bytes = cell.amount() >= LARGE;
      double cpu = BenchCluster.median(figures.get(i).cpu());
      double[] rates = figures.get(i).rates();
      double unit = bytes ? 1e6 : 1;
      System.out.printf("%-30s %-9s %7.0f [%5.0f to %5.0f] %9s %18s%s%n", i == 0 ? comparison.what() : "", cell.server(),
          BenchCluster.median(rates) / unit, Arrays.stream(rates).min().orElse(0) / unit,
          Arrays.stream(rates).max().orElse(0) / unit, i == 0 ? "" : String.format("%.2f", BenchCluster.median(rates) / peer),
          bytes ? String.format("%.2f s per GiB", cpu * LARGE / cell.amount()) : String.format("%.2f ms each", cpu * 1e3 / cell.amount()),
          i == 0 ? "" : "   goal: at least " + comparison.goal());
    }
  }

  /** Every upload makes a new file: to write over one that is in memory already is several times faster. */
  private void forgetUploads() throws IOException {
    for (int i = 0; i < FILES; i++) {
      Files.deleteIfExists(root.resolve(upload(i).substring(1)));
    }
  }

  private String sink() {
    return "/dev/null";
  }

  private String source() {
    return root.resolve("large").toString();
  }

  private String small() {
    return root.resolve("small") + "/*";
  }

  /** An empty directory, which all servers may write to. */
  private String fresh(String name) throws Exception {
    Path directory = work.resolve(name);
    if (Files.exists(directory)) {
      try (Stream<Path> files = Files.walk(directory)) {
        files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
      }
    }
    return Files.createDirectories(directory).toString();
  }

  private String inRoot(String path) {
    return path.substring(root.toString().length());
  }

  private Void sftp(String user, int port, String command) throws Exception {
    String target = user.contains("@") ? user : user + "@127.0.0.1";
    Path batch = Files.writeString(work.resolve("batch"), command + "\n");
    return client(List.of("sftp", "-q", "-b", batch.toString(), "-P", Integer.toString(port), "-i", key.toString(),
        "-c", "aes128-gcm@openssh.com", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", target));
  }

  private static List<String> fourDown(String url) {
    return IntStream.range(0, FILES).boxed().flatMap(i -> Stream.of("-o", "/dev/null", url + "/large")).toList();
  }

  private List<String> fourUp(String url) {
    return IntStream.range(0, FILES).boxed().flatMap(i -> Stream.of("-T", source(), url + upload(i))).toList();
  }

  private static String upload(int i) {
    return "/up/large" + i;
  }

  private static Void curlTls(List<String> arguments) throws Exception {
    return curl(insecure(Stream.concat(Stream.of("--ssl-reqd"), arguments.stream()).toList()));
  }

  private static List<String> insecure(List<String> arguments) {
    return Stream.concat(Stream.of("-k"), arguments.stream()).toList();
  }

  private static Void curl(List<String> arguments) throws Exception {
    return client(Stream.concat(Stream.of("curl", "-sS", "--fail"), arguments.stream()).toList());
  }

  private static Void client(List<String> command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(String.join(" ", command) + " failed: " + output);
    }
    return null;
  }

  /** Each logs in, lists a directory and leaves. */
  private Void logins(String user, int port) throws Exception {
    try (ExecutorService pool = Executors.newFixedThreadPool(PARALLEL_LOGINS)) {
      List<Future<Void>> all = IntStream.range(0, LOGINS).mapToObj(i -> pool.submit(() -> curl(List.of("-k", "-u", user + ":",
          "--key", key.toString(), "--pubkey", key + ".pub", "-l", "sftp://127.0.0.1:" + port + "/~/up/", "-o", "/dev/null")))).toList();
      for (Future<Void> one : all) {
        one.get();
      }
    }
    return null;
  }

  /** How much more memory a server has with some hundred sessions that have logged in and do nothing. */
  private void idleSessions() throws Exception {
    double sshd = idle(IDLE_SFTP, new ProcessTree(peers.sshd.process()), () -> sftpSession("root", peers.sshd.port()));
    double own = idle(IDLE_SFTP, new ProcessTree(cluster.process(1)), () -> sftpSession(PeerServers.USER, SFTP_PORT));
    BenchCluster.print("idle SFTP session: OpenSSH " + Math.round(sshd) + " KiB, Flotilla " + Math.round(own) + " KiB",
        String.format("ratio %.2f", own / sshd), "goal: at most 0.15");
    double vsftpd = idle(IDLE_FTP, new ProcessTree(peers.vsftpd.process()), () -> ftpSession("ftp", peers.vsftpd.port()));
    double ownFtp = idle(IDLE_FTP, new ProcessTree(cluster.process(1)), () -> ftpSession(PeerServers.USER, FTP_PORT));
    BenchCluster.print("idle FTP session: vsftpd " + Math.round(vsftpd) + " KiB, Flotilla " + Math.round(ownFtp) + " KiB",
        String.format("ratio %.2f", ownFtp / vsftpd), "goal: at most 0.4");
  }

  private static double idle(int count, ProcessTree server, Callable<AutoCloseable> open) throws Exception {
    List<AutoCloseable> sessions = new ArrayList<>();
    try {
      for (int i = 0; i < WARM_SESSIONS; i++) { // what the first ones need is no session's cost
        sessions.add(open.call());
      }
      long before = settledKib(server);
      for (int i = 0; i < count; i++) {
        sessions.add(open.call());
      }
      return (double) (settledKib(server) - before) / count;
    } finally {
      for (AutoCloseable session : sessions) {
        session.close();
      }
    }
  }

  /** After a collection of garbage, where there is any. */
  private static long settledKib(ProcessTree server) throws Exception {
    if (server.root().info().command().filter(command -> command.endsWith("java")).isPresent()) {
      for (int i = 0; i < COLLECTIONS; i++) {
        client(List.of(Path.of(System.getProperty("java.home"), "bin", "jcmd").toString(), Long.toString(server.root().pid()), "GC.run"));
      }
    }
    TimeUnit.SECONDS.sleep(1);
    return server.memoryKib();
  }

  private AutoCloseable sftpSession(String user, int port) throws IOException {
    Process client = new ProcessBuilder("ssh", "-F", "none", "-o", "IdentitiesOnly=yes", "-o", "UserKnownHostsFile=/dev/null",
        "-o", "StrictHostKeyChecking=no", "-o", "LogLevel=ERROR", "-i", key.toString(), "-p", Integer.toString(port),
        user + "@127.0.0.1", "-s", "sftp").redirectError(ProcessBuilder.Redirect.DISCARD).start();
    client.getOutputStream().write(new byte[] {0, 0, 0, 5, 1, 0, 0, 0, 3}); // INIT, version 3
    client.getOutputStream().flush();
    byte[] reply = client.getInputStream().readNBytes(5);
    if (reply.length < 5 || reply[4] != 2) {
      throw new IOException("the server did not answer INIT");
    }
    return () -> client.destroyForcibly().waitFor();
  }

  private static AutoCloseable ftpSession(String user, int port) throws IOException {
    Socket socket = new Socket("127.0.0.1", port);
    BufferedReader replies = new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.US_ASCII));
    for (String command : new String[] {"", "USER " + user, "PASS " + PeerServers.PASSWORD, "PWD"}) {
      if (!command.isEmpty()) {
        socket.getOutputStream().write((command + "\r\n").getBytes(StandardCharsets.US_ASCII));
      }
      String reply = replies.readLine();
      if (reply == null || !reply.matches("[23].*")) {
        throw new IOException(command.split(" ")[0] + " was answered by " + reply);
      }
    }
    return socket;
  }
}
