package io.flotilla.node.recent;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.TestConfiguration;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.Kind;
import io.flotilla.node.HostPort;
import io.flotilla.node.streams.NodeStreams;
import io.flotilla.tls.ClusterTls;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.StorageDirectories;
import io.flotilla.vfs.UserHomes;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Queue;
import java.util.Random;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes' worth of it with real streams between them, each with a directory of its own. */
class RecentExchangeTest {
  private static final ClusterKey KEY = ClusterKey.generate();
  private static final Duration SOON = Duration.ofSeconds(20);

  @TempDir private Path directory;
  private final Map<String, HostPort> members = new ConcurrentHashMap<>();
  /** What nodes told the operator, from threads of their own. */
  private final Queue<Object> unexpected = new ConcurrentLinkedQueue<>();
  private Node one;
  private Node two;

  private final class Node implements RecentChanges.Events, AutoCloseable {
    private final Path storage;
    private final TestConfiguration config = new TestConfiguration();
    private final RecentExchange exchange;
    private final HostPort address;
    private final VirtualFileSystem files;
    private NodeStreams streams;

    Node(String name) throws IOException {
      this(name, () -> members, "10m");
    }

    /** @param known what the control plane says */
    Node(String name, Supplier<Map<String, HostPort>> known, String recentChanges) throws IOException {
      storage = Files.createDirectories(directory.resolve(name));
      config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()).put("recentChanges", recentChanges));
      config.put(Kind.STORAGES, "apart", json -> json.put("path", storage.toString()).put("recentChanges", "off"));
      config.put(Kind.USERS, "ann", _ -> { });
      assertEquals(List.of(), config.commit(new StorageDirectories(List::of)));
      exchange = new RecentExchange(name, config::view, this, memory(name));
      UserHomes homes = new UserHomes(exchange.changes(), exchange.others());
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        address = new HostPort("127.0.0.1", socket.getLocalPort() - NodeStreams.OFFSET);
      }
      streams = NodeStreams.open(address, ClusterTls.of(KEY, name, UUID.randomUUID()), exchange.services(homes));
      members.put(name, address);
      exchange.start(streams, known);
      exchange.watchArrivals(homes);
      files = homes.open(config.view(), config.view().user("ann").orElseThrow());
    }

    @Override
    public void conflict(RecentChanges.Conflict conflict) {
      unexpected.add(conflict);
    }

    @Override
    public void forgotten(String node, int count) {
      unexpected.add(node + " forgot " + count);
    }

    void write(String path, byte[] content) throws VfsException {
      OpenFile file = files.open(VirtualPath.parse(path), OpenMode.REPLACE, 0644);
      file.write(ByteBuffer.wrap(content), 0);
      file.close();
    }

    boolean has(String path) throws VfsException {
      try {
        files.lstat(VirtualPath.parse(path));
        return true;
      } catch (VfsException e) {
        assertEquals(VfsError.NOT_FOUND, e.error());
        return false;
      }
    }

    byte[] read(String path, int most) throws VfsException {
      OpenFile file = files.open(VirtualPath.parse(path), OpenMode.READ, 0);
      try {
        return readAll(file, most);
      } finally {
        file.abandon();
      }
    }

    @Override
    public void close() {
      files.close();
      exchange.close();
      streams.close();
    }
  }

  private Path memory(String node) {
    return directory.resolve(node + "-recent");
  }

  /** Its synchroniser is late, and what it told itself was in memory. */
  @Test
  void nodeThatStartsAnew_isGivenBackWhatItTold() throws Exception {
    one.write("/a", new byte[] {1});
    await().atMost(SOON).until(() -> two.has("/a"));
    Files.createDirectories(two.storage.resolve("users/ann"));
    Files.copy(one.storage.resolve("users/ann/a"), two.storage.resolve("users/ann/a"), StandardCopyOption.COPY_ATTRIBUTES);
    two.files.removeFile(VirtualPath.parse("/a"));
    await().atMost(SOON).until(() -> !one.has("/a"));
    two.close();
    two = new Node("node-2");
    await().atMost(SOON).until(() -> two.exchange.changes().size() == 2);
    assertFalse(two.has("/a"), "what it has removed is not seen again, though it is still at the other node");
    assertFalse(one.has("/a"));
  }

  @Test
  void fileThatHasArrived_andWasTakenByAProgram_isNotWaitedForAgain() throws Exception {
    one.write("/a", new byte[] {1});
    await().atMost(SOON).until(() -> two.has("/a"));
    Path here = two.storage.resolve("users/ann/a");
    Files.createDirectories(here.getParent());
    Files.copy(one.storage.resolve("users/ann/a"), here, StandardCopyOption.COPY_ATTRIBUTES);
    VirtualPath inStorage = VirtualPath.parse("/users/ann/a");
    await().atMost(SOON).until(() -> !two.exchange.changes().isComing("main", inStorage));
    Files.delete(here);
    assertFalse(two.has("/a"));
  }

  private static byte[] readAll(OpenFile file, int most) throws VfsException {
    ByteBuffer all = ByteBuffer.allocate(most);
    while (all.hasRemaining() && file.read(all, all.position()) > 0) {
      // goes on where it is
    }
    return Arrays.copyOf(all.array(), all.position());
  }

  @BeforeEach
  void open() throws IOException {
    one = new Node("node-1");
    two = new Node("node-2");
  }

  @AfterEach
  void close() {
    one.close();
    two.close();
    assertEquals(List.of(), List.copyOf(unexpected));
  }

  private static byte[] random(int size) {
    byte[] content = new byte[size];
    new Random(size).nextBytes(content);
    return content;
  }

  private void awaitAtTwo(String path) {
    await().atMost(SOON).until(() -> two.has(path));
  }

  @Test
  void file_isReadFromTheOtherNode_whateverPartsOfIt() throws Exception {
    byte[] content = random(5_000_000);
    one.write("/a", content);
    awaitAtTwo("/a");
    assertArrayEquals(content, two.read("/a", content.length + 1));
    OpenFile file = two.files.open(VirtualPath.parse("/a"), OpenMode.READ, 0);
    Random random = new Random(1);
    for (int i = 0; i < 50; i++) {
      int from = random.nextInt(content.length);
      int length = random.nextInt(700_000) + 1;
      byte[] part = new byte[Math.min(length, content.length - from)];
      ByteBuffer buffer = ByteBuffer.wrap(part);
      while (buffer.hasRemaining()) {
        assertTrue(file.read(buffer, from + buffer.position()) > 0);
      }
      assertArrayEquals(Arrays.copyOfRange(content, from, from + part.length), part);
    }
    assertEquals(-1, file.read(ByteBuffer.allocate(1), content.length));
    file.close();
  }

  @Test
  void fileThatIsReplacedWhileItIsRead_isReadAsItWas() throws Exception {
    byte[] content = random(9_000_000);
    one.write("/a", content);
    awaitAtTwo("/a");
    OpenFile file = two.files.open(VirtualPath.parse("/a"), OpenMode.READ, 0);
    file.read(ByteBuffer.allocate(10), 0);
    one.write("/a", random(100));
    assertArrayEquals(content, readAll(file, content.length + 1));
    file.close();
    await().atMost(SOON).until(() -> two.read("/a", 1000).length == 100);
  }

  @Test
  void streamThatBreaks_isOpenedAgain_forTheSameVersionOnly() throws Exception {
    byte[] content = random(9_000_000);
    one.write("/a", content);
    awaitAtTwo("/a");
    OpenFile file = two.files.open(VirtualPath.parse("/a"), OpenMode.READ, 0);
    file.read(ByteBuffer.allocate(10), 0);
    restartStreams();
    assertArrayEquals(content, readAll(file, content.length + 1));
    one.write("/a", random(9_000_001));
    restartStreams();
    VfsException e = assertThrows(VfsException.class, () -> readAll(file, content.length + 1));
    assertEquals(VfsError.IO, e.error());
    file.close();
  }

  /** Ends all streams to the first node, which listens again. */
  private void restartStreams() throws IOException {
    one.streams.close();
    one.streams = NodeStreams.open(one.address, ClusterTls.of(KEY, "node-1", UUID.randomUUID()),
        one.exchange.services(new UserHomes(one.exchange.changes(), one.exchange.others())));
  }

  @Test
  void removalAndRename_areDoneThere_andSeenHereAtOnce() throws Exception {
    one.write("/a", random(10));
    one.write("/b", random(11));
    awaitAtTwo("/b");
    two.files.removeFile(VirtualPath.parse("/a"));
    assertFalse(two.has("/a"));
    assertFalse(one.has("/a"));
    two.files.rename(VirtualPath.parse("/b"), VirtualPath.parse("/c"), false);
    assertFalse(two.has("/b"));
    assertArrayEquals(random(11), two.read("/c", 100));
    assertTrue(Files.exists(one.storage.resolve("users/ann/c")));
  }

  @Test
  void changes_areHeardAfterTheStreamBroke() throws Exception {
    one.write("/a", random(10));
    awaitAtTwo("/a");
    one.streams.close();
    one.write("/b", random(11));
    restartStreams();
    awaitAtTwo("/b");
    assertArrayEquals(random(11), two.read("/b", 100));
  }

  @Test
  void nodeThatIsGone_isSaidNotToAnswer() throws Exception {
    one.write("/a", random(10));
    awaitAtTwo("/a");
    one.streams.close();
    VfsException e = assertThrows(VfsException.class, () -> two.read("/a", 100));
    assertEquals(VfsError.NOT_ARRIVED, e.error());
    assertTrue(e.getMessage().contains("the node that has it does not answer"), e.getMessage());
    assertEquals(10, two.files.stat(VirtualPath.parse("/a")).size());
    VfsException removal = assertThrows(VfsException.class, () -> two.files.removeFile(VirtualPath.parse("/a")));
    assertEquals(VfsError.NOT_ARRIVED, removal.error());
    assertTrue(two.has("/a"));
  }

  @Test
  void nodeThatStartsAgain_isNotReadyBeforeItHasHeardTheOthers_whateverItsControlPlaneDoes() throws Exception {
    await().atMost(SOON).until(() -> two.exchange.notReady().isEmpty());
    await().atMost(SOON).until(() -> Files.exists(memory("node-2")) && Files.readString(memory("node-2")).contains("node node-1 "));
    one.write("/a", random(10));
    two.close();

    two = new Node("node-2", Map::of, "10m");

    await().atMost(SOON).until(() -> two.exchange.notReady().isEmpty());
    assertTrue(two.has("/a"));
    two.close();
    one.streams.close();
    two = new Node("node-2", Map::of, "10m");
    assertEquals(Optional.of("it has not heard yet what was changed lately at node-1"), two.exchange.notReady());
    await().atMost(SOON).until(() -> two.exchange.notReady().isEmpty());
  }

  /** A node whose disk is new has none for as long as it takes to be let into the cluster. */
  @Test
  void timeToHearTheOthers_beginsWhenThereIsAConfiguration() throws Exception {
    one.streams.close();
    AtomicLong nanos = new AtomicLong();
    TestConfiguration config = new TestConfiguration();
    try (RecentExchange three = new RecentExchange("node-3", config::view, two, memory("node-3"), nanos::get)) {
      three.start(two.streams, () -> Map.of("node-1", one.address));
      nanos.addAndGet(Duration.ofMinutes(1).toNanos());
      config.put(Kind.STORAGES, "main", json -> json.put("path", two.storage.toString()).put("recentChanges", "10m"));
      assertEquals(List.of(), config.commit(new StorageDirectories(List::of)));
      assertTrue(three.notReady().isPresent());
      await().atMost(SOON).until(
          () -> three.notReady().equals(Optional.of("it has not heard yet what was changed lately at node-1")));
      nanos.addAndGet(Duration.ofSeconds(11).toNanos());
      assertEquals(Optional.empty(), three.notReady());
    }
  }

  @Test
  void nodeThatHasNeverRun_waitsUntilItKnowsWhoTheOthersAre() throws Exception {
    Map<String, HostPort> known = new ConcurrentHashMap<>();
    try (Node three = new Node("node-3", () -> known, "10m"); Node apart = new Node("node-4", () -> known, "off")) {
      assertEquals(Optional.of("it does not know yet which other nodes there are"), three.exchange.notReady());
      assertEquals(Optional.empty(), apart.exchange.notReady());
      known.put("node-3", three.address);
      await().atMost(Duration.ofSeconds(5)).until(() -> three.exchange.notReady().isEmpty());
    }
  }

  @Test
  void changesOfAStorageThatIsNotKnownYet_areHeardWhenItIs() throws Exception {
    try (Node three = new Node("node-3", () -> members, "off")) {
      one.write("/a", random(10));
      await().atMost(SOON).until(() -> three.exchange.changes().heardOf("node-1").equals(one.exchange.changes().position()));
      assertEquals(0, three.exchange.changes().size());
      three.config.put(Kind.STORAGES, "main", json -> json.put("path", three.storage.toString()).put("recentChanges", "10m"));
      assertEquals(List.of(), three.config.commit(new StorageDirectories(List::of)));
      await().atMost(SOON).until(() -> three.exchange.changes().size() > 0);
      await().atMost(SOON).until(() -> three.exchange.changes().heardOf("node-1").equals(one.exchange.changes().position()));
    } finally {
      members.remove("node-3");
    }
  }

  @Test
  void nodeWhoseClockWasSetBack_makesNoChangesThatSeemOlder() throws Exception {
    long before = (System.currentTimeMillis() + 86_400_000) * 1000;
    Files.writeString(memory("node-3"), "stamp " + before + "\n");
    try (Node three = new Node("node-3", Map::of, "10m")) {
      three.write("/a", random(10));
      assertTrue(three.exchange.changes().lastStamp() >= before);
      long last = three.exchange.changes().lastStamp();
      await().atMost(SOON).until(() -> ExchangeMemory.open(memory("node-3")).firstStamp() > last);
    }
  }

  @Test
  void filesThatAreKeptOpen_leaveRoomToRemove() throws Exception {
    one.write("/a", random(10));
    one.write("/b", random(10));
    awaitAtTwo("/b");
    Version version = new Version(10, two.files.stat(VirtualPath.parse("/a")).modified());
    Location file = new Location("main", VirtualPath.parse("/users/ann/a"));
    List<OpenFile> open = new ArrayList<>();
    VfsException full = assertThrows(VfsException.class, () -> {
      for (int i = 0; i < 65; i++) {
        open.add(two.exchange.others().open("node-1", file, version).orElseThrow());
      }
    });
    assertEquals(VfsError.NOT_ARRIVED, full.error());
    assertTrue(full.getMessage().contains("too many files"), full.getMessage());
    two.files.removeFile(VirtualPath.parse("/b"));
    assertFalse(one.has("/b"));
    open.removeLast().close();
    await().atMost(SOON).ignoreException(VfsException.class)
        .until(() -> open.add(two.exchange.others().open("node-1", file, version).orElseThrow()));
    for (OpenFile one : open) {
      one.close();
    }
  }

  @Test
  void otherNode_getsOnlyWhatItMay() throws Exception {
    one.write("/a", random(10));
    awaitAtTwo("/a");
    Path home = one.storage.resolve("users/ann");
    Path outside = Files.write(directory.resolve("outside"), random(10));
    Files.setLastModifiedTime(outside, Files.getLastModifiedTime(home.resolve("a")));
    Files.createSymbolicLink(home.resolve("link"), outside);
    Files.createSymbolicLink(home.resolve("same"), Path.of("a"));
    Files.copy(home.resolve("a"), home.resolve(".flotilla-part-x"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    Instant modified = Files.getLastModifiedTime(home.resolve("a")).toInstant();
    Version version = new Version(10, modified);
    assertTrue(open("main", "/users/ann/a", version).isPresent());
    assertTrue(open("main", "/users/ann/a", new Version(11, modified)).isEmpty());
    assertTrue(open("main", "/users/ann/a", new Version(10, modified.plusSeconds(1))).isEmpty());
    for (String path : List.of("/users/ann/link", "/users/ann/same", "/users/ann/.flotilla-part-x", "/users/ann", "/nowhere")) {
      try {
        assertTrue(open("main", path, version).isEmpty(), path);
      } catch (VfsException e) {
        assertTrue(e.error() != VfsError.NOT_ARRIVED, path + ": " + e.getMessage());
      }
    }
    assertEquals(VfsError.UNSUPPORTED, assertThrows(VfsException.class, () -> open("apart", "/users/ann/a", version)).error());
    assertThrows(VfsException.class, () -> open("none", "/users/ann/a", version));
    Location partial = new Location("main", VirtualPath.parse("/users/ann/.flotilla-part-x"));
    assertThrows(VfsException.class, () -> two.exchange.others().remove("node-1", partial, new Removed(false, version)));
    assertTrue(Files.exists(home.resolve(".flotilla-part-x")));
  }

  private Optional<OpenFile> open(String storage, String path, Version version) throws VfsException {
    Optional<OpenFile> file = two.exchange.others().open("node-1", new Location(storage, VirtualPath.parse(path)), version);
    file.ifPresent(OpenFile::abandon);
    return file;
  }
}
