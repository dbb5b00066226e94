package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.system.clients.CannotDo;
import io.flotilla.system.clients.ClientProcess;
import io.flotilla.system.clients.Command;
import io.flotilla.system.clients.FileClient;
import io.flotilla.system.clients.Site;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * One client's way through all operations, as a user of its own. It uploads through node 1 and downloads through another node of
 * the same storage; each file is compared byte by byte. Not for use by several threads.
 */
final class ClientTrial {
  /** In the order of the table. */
  enum Operation {
    PASSWORD("password"), KEY("key"), LIST("list"), PUT("put"), GET("get"), RESUME_PUT("resume put"), RESUME_GET("resume get"),
    RENAME("rename"), DELETE("delete"), MAKE_DIRECTORY("mkdir"), ODD_NAMES("odd names"), EMPTY_FILE("0 bytes"),
    SMALL_FILES("1,000 files"), PARALLEL("4 at once"), CUT("cut keeps the old");

    private final String title;

    Operation(String title) {
      this.title = title;
    }

    String title() {
      return title;
    }
  }

  private static final long PATIENCE_SECONDS = 240;
  private static final int SMALL_FILES = 1_000;
  private static final int AT_ONCE = 4;
  private static final int SIZE = 1_500_000;
  /** More than what is on its way in buffers when a client is killed. */
  private static final int LARGE = 16_000_000;
  private static final int BEGUN = 300_000;
  private static final int SLOW = 2_000_000;
  private static final byte[] MARK = "not what was sent at first".getBytes(StandardCharsets.US_ASCII);
  private static final String ODD_TARGET = "say \"new\" \u00e4";
  private static final List<String> ODD_NAMES = List.of("with space", "it's", "say \"hi\"", "na\u00efve-\u65e5\u672c", "-rf",
      "n".repeat(255), "new\nline");

  private final TestCluster cluster;
  private final FileClient client;
  private final Map<Integer, Site> byPassword;
  private final Map<Integer, Site> byKey;
  private final int reader;
  private final String user;
  private final Path home;
  private final Path directory;

  /**
   * @param byPassword the site of each node
   * @param reader the node by which it downloads
   * @param directory where it works, and nobody else
   */
  ClientTrial(TestCluster cluster, FileClient client, Map<Integer, Site> byPassword, Map<Integer, Site> byKey, int reader,
      Path directory) throws IOException {
    this.cluster = cluster;
    this.client = client;
    this.byPassword = byPassword;
    this.byKey = byKey;
    this.reader = reader;
    this.user = byPassword.get(1).user();
    this.home = cluster.files().resolve("users").resolve(user);
    this.directory = Files.createDirectories(directory);
  }

  MatrixTable.Cell attempt(Operation operation) {
    if (client.whyMissing().isPresent()) {
      return new MatrixTable.CannotBeDone(client.whyMissing().get());
    }
    try {
      Files.createDirectories(home.resolve(folder(operation)));
      return switch (operation) {
        case PASSWORD -> login(byPassword);
        case KEY -> login(byKey);
        case LIST -> list();
        case PUT -> put(SIZE);
        case GET -> get();
        case RESUME_PUT -> resumePut();
        case RESUME_GET -> resumeGet();
        case RENAME -> rename();
        case DELETE -> delete();
        case MAKE_DIRECTORY -> makeDirectory();
        case ODD_NAMES -> oddNames();
        case EMPTY_FILE -> empty();
        case SMALL_FILES -> smallFiles();
        case PARALLEL -> parallel();
        case CUT -> cut();
      };
    } catch (CannotDo e) {
      return new MatrixTable.CannotBeDone(e.getMessage());
    } catch (IOException | AssertionError | RuntimeException e) {
      return new MatrixTable.Failed(e.toString());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return new MatrixTable.Failed(e.toString());
    }
  }

  private static String folder(Operation operation) {
    return operation.name().toLowerCase(java.util.Locale.ROOT);
  }

  /** A session of its own that gets a file, which every client can do. */
  private MatrixTable.Cell login(Map<Integer, Site> sites) throws IOException, InterruptedException {
    Files.writeString(home.resolve("hello"), "hello");
    Path local = directory.resolve("hello-" + sites.get(reader).credential().getClass().getSimpleName());
    run(client.get(sites.get(reader), "hello", local));
    assertEquals("hello", Files.readString(local));
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell list() throws IOException, InterruptedException {
    Path folder = home.resolve(folder(Operation.LIST));
    List<String> names = List.of("one.txt", "two words.txt", "drei-\u00e4.txt");
    for (String name : names) {
      Files.writeString(folder.resolve(name), name);
    }
    String output = run(client.list(reading(), folder(Operation.LIST)));
    for (String name : names) {
      assertTrue(output.contains(name), name + " is not listed:\n" + output);
    }
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell put(int size) throws IOException, InterruptedException {
    String remote = folder(Operation.PUT) + "/file.bin";
    Path local = random("put.bin", size);
    run(client.put(writing(), local, remote));
    assertSame(local, home.resolve(remote));
    // Once more: what is there is replaced.
    Path other = random("other.bin", size / 2);
    run(client.put(writing(), other, remote));
    assertSame(other, home.resolve(remote));
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell get() throws IOException, InterruptedException {
    Path original = random("original.bin", SIZE);
    Files.copy(original, home.resolve(folder(Operation.GET)).resolve("file.bin"));
    Path local = directory.resolve("got.bin");
    run(client.get(reading(), folder(Operation.GET) + "/file.bin", local));
    assertSame(original, local);
    return new MatrixTable.Works();
  }

  /**
   * The client is killed in the middle of an upload; nothing shows under the name. Then it goes on, and what it had sent before is
   * what the file begins with: the local file begins with something else meanwhile.
   */
  private MatrixTable.Cell resumePut() throws IOException, InterruptedException {
    String remote = folder(Operation.RESUME_PUT) + "/file.bin";
    Path local = random("large.bin", LARGE);
    Command resume = client.resumePut(writing(), local, remote);
    breakUpload(local, remote);
    assertTrue(Files.notExists(home.resolve(remote)), "a broken upload shows under its name");
    Path original = Files.copy(local, directory.resolve("large-original.bin"));
    mark(local);
    run(resume);
    // sshfs ends without having waited for the answer to its CLOSE.
    await().atMost(TestCluster.SOON).until(() -> Files.exists(home.resolve(remote)));
    assertSame(original, home.resolve(remote));
    assertEquals(Set.of("file.bin"), names(home.resolve(remote).getParent()), "the partial should have become the file");
    delete(local, original, home.resolve(remote));
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell resumeGet() throws IOException, InterruptedException {
    String remote = folder(Operation.RESUME_GET) + "/file.bin";
    Path local = directory.resolve("broken.bin");
    Command resume = client.resumeGet(reading(), remote, local);
    Path original = random("large-source.bin", LARGE);
    Files.copy(original, home.resolve(remote));
    limit("download", SLOW);
    try (ClientProcess process = ClientProcess.start(client.get(reading(), remote, local), directory)) {
      awaitBegun(process, () -> Files.exists(local) && Files.size(local) >= BEGUN);
    } finally {
      limit("download", null);
    }
    tidy();
    assertTrue(Files.size(local) < LARGE, "the download should have been broken");
    mark(local);
    run(resume);
    mark(original);
    assertSame(original, local);
    delete(local, original, home.resolve(remote));
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell rename() throws IOException, InterruptedException {
    String from = folder(Operation.RENAME) + "/old";
    String to = folder(Operation.RENAME) + "/" + ODD_TARGET;
    Files.writeString(home.resolve(from), "content");
    run(client.rename(writing(), from, to));
    assertEquals("content", Files.readString(home.resolve(to)));
    assertTrue(Files.notExists(home.resolve(from)), "the old name is still there");
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell delete() throws IOException, InterruptedException {
    String remote = folder(Operation.DELETE) + "/" + ODD_TARGET;
    Files.writeString(home.resolve(remote), "content");
    run(client.delete(writing(), remote));
    assertTrue(Files.notExists(home.resolve(remote)), "the file is still there");
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell makeDirectory() throws IOException, InterruptedException {
    String remote = folder(Operation.MAKE_DIRECTORY) + "/" + ODD_TARGET;
    run(client.makeDirectory(writing(), remote));
    assertTrue(Files.isDirectory(home.resolve(remote)), "the directory is not there");
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell oddNames() throws IOException, InterruptedException {
    Map<String, String> cannotSay = client.cannotSay(ODD_NAMES);
    Path odd = Files.createDirectories(directory.resolve("odd"));
    for (String name : ODD_NAMES) {
      if (!cannotSay.containsKey(name)) {
        Files.writeString(odd.resolve(name), "content of " + name);
      }
    }
    copyThereAndBack(odd, Operation.ODD_NAMES);
    return works(Stream.concat(cannotSay.values().stream(), client.whyNoDirectories().stream()));
  }

  private static MatrixTable.Cell works(Stream<String> restrictions) {
    String all = restrictions.distinct().collect(Collectors.joining("; "));
    return all.isEmpty() ? new MatrixTable.Works() : new MatrixTable.WorksBut(all);
  }

  private MatrixTable.Cell empty() throws IOException, InterruptedException {
    String remote = folder(Operation.EMPTY_FILE) + "/empty";
    run(client.put(writing(), random("empty", 0), remote));
    assertEquals(0, Files.size(home.resolve(remote)));
    Path local = directory.resolve("empty-back");
    run(client.get(reading(), remote, local));
    assertEquals(0, Files.size(local));
    return new MatrixTable.Works();
  }

  private MatrixTable.Cell smallFiles() throws IOException, InterruptedException {
    Path many = Files.createDirectories(directory.resolve("many"));
    for (int i = 0; i < SMALL_FILES; i++) {
      Files.writeString(many.resolve("file-%04d.txt".formatted(i)), (i + " ").repeat(i % 200 + 1));
    }
    copyThereAndBack(many, Operation.SMALL_FILES);
    return works(client.whyNoDirectories().stream());
  }

  private void copyThereAndBack(Path local, Operation operation) throws IOException, InterruptedException {
    Path remote = home.resolve(folder(operation)).resolve(local.getFileName());
    if (client.whyNoDirectories().isPresent()) {
      Files.createDirectory(remote);
    }
    run(client.putAll(writing(), local, folder(operation)));
    assertSameFiles(local, remote);
    Path back = Files.createDirectories(directory.resolve("back"));
    run(client.getAll(reading(), folder(operation) + "/" + local.getFileName(), List.copyOf(names(local)), back));
    assertSameFiles(local, back.resolve(local.getFileName()));
  }

  /** Some uploads at once, then some downloads at once. */
  private MatrixTable.Cell parallel() throws IOException, InterruptedException {
    List<Path> files = new ArrayList<>();
    for (int i = 0; i < AT_ONCE; i++) {
      files.add(random("parallel-" + i, SIZE + i));
    }
    runAll(files.stream().map(file -> client.put(writing(), file, remote(Operation.PARALLEL, file))).toList());
    for (Path file : files) {
      assertSame(file, home.resolve(remote(Operation.PARALLEL, file)));
    }
    runAll(files.stream().map(file -> client.get(reading(), remote(Operation.PARALLEL, file), back(file))).toList());
    for (Path file : files) {
      assertSame(file, back(file));
    }
    return new MatrixTable.Works();
  }

  private static String remote(Operation operation, Path file) {
    return folder(operation) + "/" + file.getFileName();
  }

  private static Path back(Path file) {
    return file.resolveSibling(file.getFileName() + ".back");
  }

  /** Killed in the middle of an upload the client leaves the old file as it was, and no other name. */
  private MatrixTable.Cell cut() throws IOException, InterruptedException {
    String remote = folder(Operation.CUT) + "/file.bin";
    Path old = random("old.bin", SIZE);
    Files.copy(old, home.resolve(remote));
    Path large = random("large.bin", LARGE);
    if (client.whyInPlace().isEmpty()) {
      breakUpload(large, remote);
      assertSame(old, home.resolve(remote));
    }
    breakUpload(large, folder(Operation.CUT) + "/new.bin");
    assertEquals(Set.of("file.bin"), names(home.resolve(remote).getParent()).stream()
        .filter(name -> !name.startsWith(".flotilla-part-")).collect(Collectors.toSet()));
    Path local = directory.resolve("old-back.bin");
    run(client.get(reading(), remote, local));
    assertSame(old, local);
    Files.delete(large);
    return works(client.whyInPlace().stream());
  }

  /** Kills the client in the middle of an upload and waits until the node has noticed. */
  private void breakUpload(Path local, String remote) throws IOException, InterruptedException {
    Path folder = home.resolve(remote).getParent();
    Set<String> before = names(folder);
    limit("upload", SLOW);
    try (ClientProcess process = ClientProcess.start(client.put(writing(), local, remote), directory)) {
      awaitBegun(process, () -> hasNewPartial(folder, before));
    } finally {
      limit("upload", null);
    }
    tidy();
    await().atMost(TestCluster.SOON).until(() ->
        cluster.node(1).log().contains("Transfer broken: upload of /" + remote + " by " + user + " "));
  }

  private static boolean hasNewPartial(Path folder, Set<String> before) throws IOException {
    for (String name : names(folder)) {
      if (!before.contains(name) && Files.size(folder.resolve(name)) >= BEGUN) {
        return true;
      }
    }
    return false;
  }

  private static void awaitBegun(ClientProcess process, Callable<Boolean> hasBegun) {
    await("the transfer should be under way").atMost(PATIENCE_SECONDS, TimeUnit.SECONDS)
        .until(() -> hasBegun.call() || !process.isAlive());
    assertTrue(process.isAlive(), () -> "the client ended too early: " + process.describe());
  }

  /** Bytes a second for the user's transfers of one direction; no limit if it is null. */
  private void limit(String direction, Integer bytesPerSecond) throws IOException {
    cluster.api(1).send("PATCH", "/api/v1/config/users/" + user + "?wait=applied",
        "{\"limits\":{\"" + direction + "BytesPerSecond\":" + bytesPerSecond + "}}").expect(200);
  }

  private void tidy() throws IOException, InterruptedException {
    if (client.afterKill().isPresent()) {
      run(client.afterKill().get());
    }
  }

  private Site writing() {
    return byPassword.get(1);
  }

  private Site reading() {
    return byPassword.get(reader);
  }

  private String run(Command command) throws IOException, InterruptedException {
    return ClientProcess.run(command, directory, PATIENCE_SECONDS);
  }

  private void runAll(List<Command> commands) throws IOException, InterruptedException {
    List<ClientProcess> running = new ArrayList<>();
    try {
      for (Command command : commands) {
        running.add(ClientProcess.start(command, directory));
      }
      for (ClientProcess process : running) {
        process.awaitSuccess(PATIENCE_SECONDS);
      }
    } finally {
      for (ClientProcess process : running) {
        process.close();
      }
    }
  }

  private Path random(String name, int size) throws IOException {
    byte[] bytes = new byte[size];
    new Random(name.hashCode() + size).nextBytes(bytes);
    return Files.write(directory.resolve(name), bytes);
  }

  private static void mark(Path file) throws IOException {
    try (RandomAccessFile bytes = new RandomAccessFile(file.toFile(), "rw")) {
      bytes.write(MARK);
    }
  }

  private static void delete(Path... files) throws IOException {
    for (Path file : files) {
      Files.delete(file);
    }
  }

  private static void assertSame(Path expected, Path actual) throws IOException {
    assertTrue(Files.exists(actual), actual + " is not there");
    long mismatch = Files.mismatch(expected, actual);
    assertEquals(-1, mismatch, () -> actual + " differs from " + expected + " at byte " + mismatch + "; it has "
        + actual.toFile().length() + " bytes of " + expected.toFile().length());
  }

  private static void assertSameFiles(Path expected, Path actual) throws IOException {
    Set<String> names = names(expected);
    Set<String> found = Files.isDirectory(actual) ? names(actual) : Set.of();
    assertEquals(Set.of(), difference(names, found), "missing in " + actual);
    assertEquals(Set.of(), difference(found, names), "too much in " + actual);
    for (String name : names) {
      assertSame(expected.resolve(name), actual.resolve(name));
    }
  }

  private static Set<String> difference(Set<String> all, Collection<String> without) {
    Set<String> rest = new HashSet<>(all);
    rest.removeAll(without);
    return rest;
  }

  private static Set<String> names(Path folder) throws IOException {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
    }
  }

  /** All operations in the order of the table. */
  List<MatrixTable.Cell> attemptAll() {
    return IntStream.range(0, Operation.values().length).mapToObj(i -> attempt(Operation.values()[i])).toList();
  }
}
