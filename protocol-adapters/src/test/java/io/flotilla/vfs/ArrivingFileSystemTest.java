package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Two nodes with a directory each and nobody who copies between them, but for the test itself. */
class ArrivingFileSystemTest {
  @TempDir private Path directory;
  private final List<RecentChanges.Conflict> conflicts = new ArrayList<>();
  private Node one;
  private Node two;

  /** What clients of one node have: home "/home" in a storage. */
  private final class Node implements RecentChanges.Events, OtherNodes {
    private final Path storage;
    private final RecentChanges changes;
    private final VirtualFileSystem files;
    private boolean answers = true;
    /** Runs once, right before the storage does the first operation that is meant. */
    private Optional<Meanwhile> meanwhile = Optional.empty();

    Node(String name) throws IOException {
      storage = Files.createDirectories(directory.resolve(name));
      Files.createDirectories(storage.resolve("home"));
      changes = new RecentChanges(name, _ -> Duration.ofMinutes(10), () -> System.nanoTime() / 1000, System::nanoTime, this);
      files = session("ann\n" + name);
    }

    VirtualFileSystem session(String owner) throws VfsException {
      return new PublishingFileSystem(new ArrivingFileSystem(new RecordingFileSystem(
          new Interrupted(VirtualFileSystem.open(storage.resolve("home")), this), changes, "main", VirtualPath.parse("/home")),
          changes, this, "main"), Links.FOLLOW, owner, new ActiveUploads());
    }

    @Override
    public void conflict(RecentChanges.Conflict conflict) {
      conflicts.add(conflict);
    }

    @Override
    public void forgotten(String node, int count) {
      throw new AssertionError("nothing is that much");
    }

    private Node other(String node) throws VfsException {
      Node other = Map.of("node-1", one, "node-2", two).get(node);
      if (!other.answers) {
        throw new VfsException(VfsError.NOT_ARRIVED, "it does not answer");
      }
      return other;
    }

    private VirtualFileSystem own() throws VfsException {
      return new OwnCopy(new RecordingFileSystem(VirtualFileSystem.open(storage, Links.ONLY_CANONICAL), changes, "main", VirtualPath.ROOT),
          changes, this, "main");
    }

    @Override
    public Optional<OpenFile> open(String node, Location file, Version version) throws VfsException {
      try (VirtualFileSystem there = other(node).own()) {
        OpenFile opened = there.open(file.path(), OpenMode.READ, 0);
        if (version.isOf(opened.attributes())) {
          return Optional.of(opened);
        }
        opened.abandon();
        talk();
        return Optional.empty();
      } catch (VfsException e) {
        if (e.error() == VfsError.NOT_FOUND) {
          talk();
          return Optional.empty();
        }
        throw e;
      }
    }

    @Override
    public boolean remove(String node, Location entry, Removed what) throws VfsException {
      try (VirtualFileSystem there = other(node).own()) {
        if (what.isDirectory()) {
          there.removeDirectory(entry.path());
        } else if (what.version().isOf(there.lstat(entry.path()))) {
          there.removeFile(entry.path());
        } else {
          talk();
          return false;
        }
      }
      talk();
      return true;
    }

    @Override
    public boolean rename(String node, Location entry, VirtualPath to, boolean replace, Written what) throws VfsException {
      try (VirtualFileSystem there = other(node).own()) {
        if (!what.isDirectory() && !what.version().isOf(there.lstat(entry.path()))) {
          talk();
          return false;
        }
        there.rename(entry.path(), to, replace);
      }
      talk();
      return true;
    }

    void write(String path, String text) throws VfsException {
      writeUntold(path, text);
      talk();
    }

    /** The other node has not heard of it yet. */
    void writeUntold(String path, String text) throws VfsException {
      OpenFile file = files.open(VirtualPath.parse(path), OpenMode.REPLACE, 0644);
      file.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
      file.close();
    }

    String read(String path) throws IOException {
      OpenFile file = files.open(VirtualPath.parse(path), OpenMode.READ, 0);
      try {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        ByteBuffer buffer = ByteBuffer.allocate(7);
        while (file.read(buffer, bytes.size()) > 0) {
          bytes.write(buffer.array(), 0, buffer.position());
          buffer.clear();
        }
        return bytes.toString(StandardCharsets.UTF_8);
      } finally {
        file.abandon();
      }
    }

    List<String> list(String path) throws VfsException {
      TreeSet<String> names = new TreeSet<>();
      try (DirectoryListing listing = files.list(VirtualPath.parse(path))) {
        for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
          assertTrue(names.add(entry.name() + (entry.attributes().isDirectory() ? "/" : "")), entry.name() + " is listed twice");
        }
      }
      return List.copyOf(names);
    }

    void makeDirectory(String path) throws VfsException {
      files.makeDirectory(VirtualPath.parse(path), 0755);
      talk();
    }

    void remove(String path) throws VfsException {
      files.removeFile(VirtualPath.parse(path));
      talk();
    }

    void removeDirectory(String path) throws VfsException {
      files.removeDirectory(VirtualPath.parse(path));
      talk();
    }

    void rename(String from, String to) throws VfsException {
      files.rename(VirtualPath.parse(from), VirtualPath.parse(to), false);
      talk();
    }

    VfsError error(String path) {
      return assertThrows(VfsException.class, () -> files.lstat(VirtualPath.parse(path))).error();
    }

    Path local(String path) {
      return storage.resolve("home" + path);
    }
  }

  private interface Action {
    void run() throws IOException;
  }

  /** @param before the operation that names this first, as it is used so */
  private record Meanwhile(InterceptedFileSystem.Use use, String before, Action action) {}

  /** A storage in which something is done at a certain moment. */
  private static final class Interrupted extends InterceptedFileSystem {
    private final VirtualFileSystem files;
    private final Node node;

    Interrupted(VirtualFileSystem files, Node node) {
      this.files = files;
      this.node = node;
    }

    @Override
    <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
      Optional<Meanwhile> now = node.meanwhile.filter(one -> one.use() == use && paths.getFirst().toString().startsWith(one.before()));
      if (now.isPresent()) {
        node.meanwhile = Optional.empty();
        try {
          now.get().action().run();
        } catch (IOException e) {
          throw new AssertionError(e);
        }
      }
      return operation.on(files);
    }

    @Override
    OpenFile opened(OpenFile file, OpenMode mode) {
      return file;
    }

    @Override
    DirectoryListing opened(DirectoryListing listing) {
      return listing;
    }

    @Override
    VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) {
      return new Interrupted(subtree, node);
    }

    @Override
    public void close() {
      files.close();
    }
  }

  @BeforeEach
  void open() throws IOException {
    one = new Node("node-1");
    two = new Node("node-2");
  }

  @AfterEach
  void close() {
    one.files.close();
    two.files.close();
  }

  /** Both nodes hear all. */
  private void talk() {
    try {
      two.changes.heard("node-1", one.changes.after(two.changes.heardOf("node-1"), 10_000, Duration.ZERO));
      one.changes.heard("node-2", two.changes.after(one.changes.heardOf("node-2"), 10_000, Duration.ZERO));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  /** Does what a synchroniser does. */
  private static void copy(Node from, Node to, String path) throws IOException {
    Files.createDirectories(to.local(path).getParent());
    Files.copy(from.local(path), to.local(path), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    FileTime time = Files.getLastModifiedTime(from.local(path));
    Files.setLastModifiedTime(to.local(path), FileTime.from(time.toInstant().truncatedTo(java.time.temporal.ChronoUnit.SECONDS)));
  }

  private static VirtualPath path(String text) throws VfsException {
    return VirtualPath.parse(text);
  }

  private static VfsError error(org.junit.jupiter.api.function.Executable action) {
    return assertThrows(VfsException.class, action).error();
  }

  @Test
  void upload_isReadAndListedByTheOtherNode_beforeItArrives() throws IOException {
    one.write("/a", "first of one");
    assertEquals("first of one", two.read("/a"));
    assertEquals(List.of("a"), two.list("/"));
    FileAttributes there = one.files.stat(path("/a"));
    FileAttributes here = two.files.stat(path("/a"));
    assertEquals(List.of(there.kind(), there.size(), there.modified(), there.permissions()),
        List.of(here.kind(), here.size(), here.modified(), here.permissions()));
    assertEquals(path("/a"), two.files.canonical(path("/a")));
    assertFalse(Files.exists(two.local("/a")));
  }

  /** Its log is gone with its process, and the other node tells of what this one has replaced since. */
  @Test
  void whatIsNewerHere_thoughNobodyTellsOfIt_isShown_andNotTakenAway() throws IOException {
    one.write("/a", "of one");
    copy(one, two, "/a");
    two.list("/");
    two.write("/a", "of two, newer, acknowledged");
    two.files.close();
    two = new Node("node-2");
    talk();
    assertEquals("of two, newer, acknowledged", two.read("/a"));
    two.rename("/a", "/b");
    assertEquals("of two, newer, acknowledged", Files.readString(two.local("/b")));

    one.write("/c", "of one");
    Files.writeString(two.local("/c"), "of a program, which tells nobody");
    two.rename("/c", "/d");
    assertEquals("of a program, which tells nobody", two.read("/d"));
    one.write("/e", "of one");
    Files.writeString(two.local("/e"), "of a program");
    two.remove("/e");
    assertEquals("of one", one.read("/e"), "what was removed is what was seen");
    assertEquals("of one", two.read("/e"));
  }

  /** Its node has heard of a third one's, which is newer, so it tells nobody of a removal; who asked for that has not heard of the third one. */
  @Test
  void fileThatWasRemovedOrRenamedWhereItIs_isGone_thoughItsNodeExpectsANewerOne() throws IOException {
    List<RecentChanges.Aged> third = new ArrayList<>();
    for (String path : List.of("/a", "/b")) {
      one.write(path, "of one");
      third.add(new RecentChanges.Aged(new RecentChange(third.size() + 1, 1_000_000_000_000_000L, 0, "main", VirtualPath.parse("/home" + path),
          new Written(false, new Version(99, Instant.EPOCH), 0644), List.of()), Duration.ZERO));
    }
    assertEquals(List.of("a", "b"), two.list("/"));
    assertTrue(one.changes.heard("node-3", new RecentChanges.Batch(new RecentChanges.Position(UUID.randomUUID(), 2), third)));
    two.remove("/a");
    two.rename("/b", "/c");
    assertFalse(Files.exists(one.local("/a")) || Files.exists(one.local("/b")));
    assertEquals(List.of("c"), two.list("/"));
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
    assertEquals(VfsError.NOT_FOUND, two.error("/b"));
    assertEquals("of one", two.read("/c"));
  }

  @Test
  void whatIsWrittenOverSomethingElse_leavesEachNodeItsOwn() throws IOException {
    one.write("/a", "of one");
    Files.writeString(two.local("/a"), "of a program, which tells nobody");
    two.write("/a", "of two, over that of the program");
    assertEquals("of one", one.read("/a"));
    assertEquals("of two, over that of the program", two.read("/a"));
    assertEquals(1, conflicts.size());
    Files.writeString(two.local("/b"), "of a program");
    one.write("/b", "of one");
    two.rename("/b", "/c");
    assertEquals("of a program", one.read("/c"));
    assertEquals("of one", one.read("/b"));
    assertEquals("of one", two.read("/b"));
  }

  @Test
  void whatWasReplaced_andThenRemovedOrRenamed_isNotSeenAgain() throws IOException {
    for (String name : List.of("/a", "/b")) {
      one.write(name, "oldest");
      copy(one, two, name);
      one.write(name, "second one");
      one.write(name, "the third version");
    }
    one.remove("/a");
    one.rename("/b", "/c");
    assertEquals(List.of("c"), two.list("/"));
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
    assertEquals("the third version", two.read("/c"));
  }

  /** The synchroniser lags, and brings first one of those, then another. */
  @Test
  void ofManyVersions_theOlderOnesAreNotShownAgain_whetherEachWasHeardOfOrOnlyTheLast() throws IOException {
    for (String name : List.of("/heard", "/unheard", "/old")) {
      Files.writeString(one.local(name), "oldest");
      Files.setLastModifiedTime(one.local(name), FileTime.fromMillis(1_000_000_000_000L));
      copy(one, two, name);
    }
    one.write("/old", "v0");
    copy(one, two, "/old");
    assertEquals("v0", two.read("/old"));
    for (int i = 1; i <= 20; i++) {
      one.write("/heard", "version " + i);
      one.write("/old", "version " + i);
      assertEquals("version " + i, two.read("/heard"));
      if (i == 3) {
        Files.copy(one.local("/heard"), one.local("/third"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
      }
    }
    assertEquals("version 20", two.read("/old"));
    for (int i = 1; i <= 20; i++) {
      one.writeUntold("/unheard", "version " + i);
    }
    talk();
    assertEquals("version 20", two.read("/unheard"));
    Files.copy(one.local("/third"), two.local("/heard"), java.nio.file.StandardCopyOption.COPY_ATTRIBUTES,
        java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertEquals("version 20", two.read("/heard"));
    two.rename("/heard", "/moved");
    assertEquals("version 20", two.read("/moved"));
    assertEquals(VfsError.NOT_FOUND, two.error("/heard"));
    Files.writeString(two.local("/old"), "of a program");
    assertEquals("of a program", two.read("/old"));
  }

  @Test
  void versionThatTheOtherNodeHasReplaced_isLookedForAnew() throws IOException {
    one.write("/a", "oldest");
    copy(one, two, "/a");
    one.write("/a", "second one");
    one.writeUntold("/a", "the third version");
    assertEquals("the third version", two.read("/a"));

    one.writeUntold("/a", "the very last");
    two.remove("/a");
    assertFalse(Files.exists(one.local("/a")) || Files.exists(two.local("/a")));

    one.write("/b", "oldest");
    copy(one, two, "/b");
    one.write("/b", "second one");
    one.writeUntold("/b", "the third version");
    two.rename("/b", "/c");
    assertEquals("the third version", two.read("/c"));
    assertFalse(Files.exists(one.local("/b")) || Files.exists(two.local("/b")));
  }

  /** What a program did there is told by nobody, and what is here is older than what was told. */
  @Test
  void versionThatIsNowhereAnyMore_isNotMadeUpForByAnOlderOne() throws IOException {
    one.write("/a", "oldest");
    copy(one, two, "/a");
    one.write("/a", "second one");
    Files.writeString(one.local("/a"), "of a program on node-1");
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.read("/a")));
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.remove("/a")));
    assertEquals("oldest", Files.readString(two.local("/a")));
    Files.delete(one.local("/a"));
    Files.delete(two.local("/a"));
    assertEquals(VfsError.NOT_FOUND, error(() -> two.read("/a")));
  }

  @Test
  void nameThatWasFreedHere_isFreeForWhatIsRenamedThere() throws IOException {
    one.write("/final", "v1");
    copy(one, two, "/final");
    two.list("/");
    one.write("/tmp", "v2 data");
    two.remove("/final");
    two.rename("/tmp", "/final");
    assertEquals("v2 data", two.read("/final"));
    assertEquals("v2 data", Files.readString(one.local("/final")));
  }

  @Test
  void directoryWhoseFilesHaveArrived_isRenamedAndRemoved_thoughNobodyHasLooked() throws IOException {
    one.makeDirectory("/d");
    one.write("/d/a", "text");
    copy(one, two, "/d/a");
    two.rename("/d", "/e");
    assertEquals("text", Files.readString(two.local("/e/a")));
  }

  @Test
  void link_leadsToWhatIsToCome() throws IOException {
    one.makeDirectory("/d");
    one.write("/d/a", "old");
    copy(one, two, "/d/a");
    Files.createSymbolicLink(two.local("/l"), Path.of("d/a"));
    one.write("/d/a", "newer text");
    assertEquals("newer text", two.read("/l"));
    assertEquals(10, two.files.stat(path("/l")).size());
    one.remove("/d/a");
    assertEquals(VfsError.NOT_FOUND, error(() -> two.read("/l")));
  }

  @Test
  void renameIntoADirectoryThatIsNowhere_isRefused() throws IOException {
    one.write("/a", "text");
    assertEquals(VfsError.NOT_FOUND, error(() -> two.rename("/a", "/typo/a")));
    assertFalse(Files.exists(one.local("/typo")));
    assertEquals("text", two.read("/a"));
  }

  @Test
  void directory_isThere_withWhatIsInIt() throws IOException {
    one.makeDirectory("/d");
    one.makeDirectory("/d/e");
    one.write("/d/e/a", "deep");
    assertEquals(List.of("d/"), two.list("/"));
    assertEquals(List.of("e/"), two.list("/d"));
    assertEquals("deep", two.read("/d/e/a"));
    assertEquals(path("/d/e/a"), two.files.canonical(path("/d/e/a")));
    assertEquals(VfsError.NOT_FOUND, two.error("/d/e/b"));
    assertEquals(VfsError.EXISTS, error(() -> two.files.makeDirectory(path("/d"), 0755)));
    assertFalse(Files.exists(two.local("/d")));
  }

  @Test
  void directoryOfLongAgo_isThere_ifSomethingInItIsRecent() throws IOException {
    Files.createDirectories(one.local("/old"));
    one.write("/old/a", "recent");
    assertEquals(List.of("old/"), two.list("/"));
    assertTrue(two.files.stat(path("/old")).isDirectory());
    assertEquals(List.of("a"), two.list("/old"));
    assertEquals("recent", two.read("/old/a"));
  }

  @Test
  void arrivedFile_isReadHere_whenTheOtherNodeIsSilent() throws IOException {
    one.write("/a", "text");
    copy(one, two, "/a");
    one.answers = false;
    assertEquals("text", two.read("/a"));
    Files.writeString(two.local("/a"), "changed by hand, after it had arrived");
    assertEquals("changed by hand, after it had arrived", two.read("/a"));
  }

  @Test
  void newerVersion_isReadThere_whileAnOlderOneIsHere() throws IOException {
    one.write("/a", "old");
    copy(one, two, "/a");
    assertEquals("old", two.read("/a"));
    one.write("/a", "newer");
    assertEquals("newer", two.read("/a"));
    assertEquals(5, two.files.stat(path("/a")).size());
    assertEquals(List.of("a"), two.list("/"));
    one.answers = false;
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.read("/a")));
  }

  @Test
  void versionsOfOneSecondAndSize_areToldApart_asFinelyAsTheyCan() throws IOException {
    one.write("/a", "first");
    copy(one, two, "/a");
    FileTime first = FileTime.from(Instant.ofEpochSecond(1_700_000_000, 123_456_700));
    Files.setLastModifiedTime(two.local("/a"), first);
    one.write("/a", "other");
    for (int nanos : new int[] {123_456_701, 123_456_800, 123_457_000, 0, 124_000_000}) {
      one.files.setAttributes(path("/a"), new AttributeChange(OptionalLong.empty(), OptionalInt.empty(), Optional.empty(),
          Optional.of(Instant.ofEpochSecond(1_700_000_000, nanos))), true);
      talk();
      boolean isCutOffOf = nanos == 123_456_701 || nanos == 0;
      assertEquals(isCutOffOf ? "first" : "other", two.read("/a"), Integer.toString(nanos));
    }
  }

  @Test
  void fileIsNotMovedOver_aDirectoryThatHasNotArrived() throws IOException {
    one.makeDirectory("/d");
    two.write("/a", "text");
    assertEquals(VfsError.IS_A_DIRECTORY, error(() -> two.files.rename(path("/a"), path("/d"), true)));
    assertEquals("text", two.read("/a"));
  }

  @Test
  void silentNode_failsOpening_andNotLooking() throws IOException {
    one.write("/a", "text");
    one.answers = false;
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.read("/a")));
    assertEquals(List.of("a"), two.list("/"));
    assertEquals(4, two.files.stat(path("/a")).size());
  }

  @Test
  void removedFile_isHidden_ifItIsThatVersion() throws IOException {
    one.write("/a", "text");
    copy(one, two, "/a");
    one.remove("/a");
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
    assertEquals(VfsError.NOT_FOUND, error(() -> two.read("/a")));
    assertEquals(VfsError.NOT_FOUND, error(() -> two.files.removeFile(path("/a"))));
    assertEquals(List.of(), two.list("/"));
    Files.writeString(two.local("/a"), "another");
    assertEquals("another", two.read("/a"));
    assertEquals(List.of("a"), two.list("/"));
  }

  @Test
  void removedName_canBeUsedAgain() throws IOException {
    one.write("/a", "text");
    copy(one, two, "/a");
    one.makeDirectory("/d");
    one.write("/d/a", "text");
    copy(one, two, "/d/a");
    one.remove("/a");
    one.remove("/d/a");
    one.removeDirectory("/d");
    assertEquals(List.of(), two.list("/"));
    OpenFile file = two.files.open(path("/a"), OpenMode.CREATE_NEW, 0644);
    file.write(ByteBuffer.wrap(new byte[] {'n', 'e', 'w'}), 0);
    file.close();
    two.makeDirectory("/d");
    assertEquals("new", two.read("/a"));
    assertEquals(List.of(), two.list("/d"));
    assertEquals(List.of("a", "d/"), two.list("/"));
  }

  @Test
  void removedDirectory_isShown_ifSomethingUnknownIsInIt() throws IOException {
    one.makeDirectory("/d");
    Files.createDirectories(two.local("/d"));
    assertEquals(List.of("d/"), two.list("/"));
    one.removeDirectory("/d");
    assertEquals(List.of(), two.list("/"));
    assertEquals(VfsError.NOT_FOUND, two.error("/d"));
    Files.writeString(two.local("/d/mine"), "unknown to others");
    assertEquals(List.of("d/"), two.list("/"));
    assertEquals(List.of("mine"), two.list("/d"));
  }

  @Test
  void directoryWithWhatIsRemovedElsewhere_canBeRemoved() throws IOException {
    one.makeDirectory("/d");
    one.write("/d/a", "text");
    copy(one, two, "/d/a");
    one.remove("/d/a");
    two.removeDirectory("/d");
    assertFalse(Files.exists(two.local("/d")));
  }

  @Test
  void renamedFile_isUnderItsNewNameOnly() throws IOException {
    one.write("/a", "text");
    copy(one, two, "/a");
    one.rename("/a", "/b");
    assertEquals(List.of("b"), two.list("/"));
    assertEquals("text", two.read("/b"));
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
  }

  @Test
  void renamedDirectory_isUnderItsNewNameOnly_withAllInIt() throws IOException {
    one.makeDirectory("/d");
    one.makeDirectory("/d/e");
    one.write("/d/e/a", "text");
    copy(one, two, "/d/e/a");
    one.rename("/d", "/f");
    assertEquals(List.of("f/"), two.list("/"));
    assertEquals(List.of("a"), two.list("/f/e"));
    assertEquals("text", two.read("/f/e/a"));
    assertEquals(VfsError.NOT_FOUND, two.error("/d/e/a"));
    assertEquals(VfsError.NOT_FOUND, two.error("/d"));
  }

  @Test
  void removal_ofWhatHasNotArrived_isDoneThere() throws IOException {
    one.write("/a", "text");
    two.remove("/a");
    assertFalse(Files.exists(one.local("/a")));
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
    one.makeDirectory("/d");
    two.removeDirectory("/d");
    assertFalse(Files.exists(one.local("/d")));
    assertEquals(List.of(), two.list("/"));
  }

  @Test
  void removal_ofANewerVersion_removesTheOlderOneHereToo() throws IOException {
    one.write("/a", "old");
    copy(one, two, "/a");
    one.write("/a", "newer");
    two.remove("/a");
    assertEquals(List.of(), two.list("/"));
    assertEquals(List.of(), one.list("/"));
    assertFalse(Files.exists(two.local("/a")));
  }

  @Test
  void rename_ofWhatHasNotArrived_isDoneThere() throws IOException {
    one.write("/a", "text");
    two.rename("/a", "/b");
    assertTrue(Files.exists(one.local("/b")));
    assertEquals(List.of("b"), two.list("/"));
    assertEquals("text", two.read("/b"));
    one.makeDirectory("/d");
    one.write("/d/a", "deep");
    two.rename("/d", "/e");
    assertEquals("deep", two.read("/e/a"));
    assertEquals(List.of("b", "e/"), two.list("/"));
    two.write("/taken", "");
    assertEquals(VfsError.EXISTS, error(() -> two.rename("/b", "/taken")));
  }

  @Test
  void directoryOfWhichNotAllHasArrived_isNotMoved() throws IOException {
    one.makeDirectory("/d");
    one.write("/d/a", "text");
    Files.createDirectories(two.local("/d"));
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.rename("/d", "/e")));
    assertEquals(VfsError.NOT_EMPTY, error(() -> two.removeDirectory("/d")));
    copy(one, two, "/d/a");
    two.list("/d");
    two.rename("/d", "/e");
    assertEquals(List.of("a"), two.list("/e"));
  }

  @Test
  void upload_goesIntoADirectoryThatHasNotArrived() throws IOException {
    one.makeDirectory("/d");
    one.makeDirectory("/d/e");
    two.write("/d/e/a", "of two");
    assertEquals("of two", Files.readString(two.local("/d/e/a")));
    assertEquals("of two", one.read("/d/e/a"));
    two.makeDirectory("/d/f");
    assertEquals(List.of("e/", "f/"), one.list("/d"));
  }

  @Test
  void changeOfWhatHasNotArrived_failsForNow() throws IOException {
    one.write("/a", "text");
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.files.open(path("/a"), OpenMode.EDIT, 0644)));
    AttributeChange time = new AttributeChange(OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(Instant.EPOCH));
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.files.setAttributes(path("/a"), time, true)));
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.files.setExtraData(path("/a"), ExtraData.PROPERTIES, new byte[1])));
    assertEquals(VfsError.NOT_ARRIVED, error(() -> two.files.makeHardLink(path("/a"), path("/b"))));
    assertArrayEquals(new byte[0], two.files.extraData(path("/a"), ExtraData.PROPERTIES));
    assertEquals("text", two.read("/a"));
  }

  @Test
  void uploadOverWhatHasNotArrived_isAConflict_andIsSeenByBoth() throws IOException {
    one.write("/a", "of one");
    two.write("/a", "of node two");
    assertEquals(1, conflicts.size());
    assertEquals("/home/a", conflicts.getFirst().path().toString());
    assertEquals("of node two", two.read("/a"));
    assertEquals("of node two", one.read("/a"));
    assertEquals("of one", Files.readString(one.local("/a")));
  }

  @Test
  void uploadOverWhatHasArrived_isNone_whoeverLookedBefore() throws IOException {
    one.write("/a", "of one");
    copy(one, two, "/a");
    two.write("/a", "of node two");
    assertEquals(List.of(), conflicts);
  }

  @Test
  void changesInPlace_andOfTimes_areToldWhenTheyEnd() throws IOException {
    one.write("/a", "text");
    copy(one, two, "/a");
    assertEquals("text", two.read("/a"));
    OpenFile file = one.files.open(path("/a"), OpenMode.EDIT, 0644);
    file.write(ByteBuffer.wrap(" and more".getBytes(StandardCharsets.UTF_8)), 4);
    file.close();
    talk();
    assertEquals("text and more", two.read("/a"));
    Instant long_ = Instant.ofEpochSecond(1_000_000_000, 5);
    one.files.setAttributes(path("/a"),
        new AttributeChange(OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(long_)), true);
    talk();
    assertEquals(long_, two.files.stat(path("/a")).modified());
    assertEquals("text and more", two.read("/a"));
  }

  @Test
  void whatIsNotThereAnyLonger_isNotFound() throws IOException {
    one.write("/a", "text");
    Files.delete(one.local("/a")); // by hand, so that nobody is told
    assertEquals(VfsError.NOT_FOUND, error(() -> two.read("/a")));
    assertEquals(List.of(), two.list("/"));
  }

  @Test
  void unfinishedUploads_areNotTold() throws IOException {
    OpenFile file = one.files.open(path("/a"), OpenMode.REPLACE, 0644);
    file.write(ByteBuffer.wrap(new byte[5]), 0);
    file.abandon();
    talk();
    assertEquals(0, one.changes.size());
    assertEquals(List.of(), two.list("/"));
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
  }

  @Test
  void uploadBySegments_isToldWhenItIsPublished() throws IOException {
    try (VirtualFileSystem staging = one.files.staging(path("/a"), 0)) {
      VirtualPath part = path("/" + Partials.PREFIX + "u-0-1");
      OpenFile file = staging.open(part, OpenMode.REPLACE, 0644);
      file.write(ByteBuffer.wrap(new byte[5]), 0);
      file.close();
      talk();
      assertEquals(List.of(), two.list("/"));
      staging.rename(part, path("/a"), true);
    }
    talk();
    assertEquals(List.of("a"), two.list("/"));
    assertEquals(5, two.read("/a").length());
  }

  @Test
  void pathThroughALink_isThatOfWhatItLeadsTo() throws IOException {
    one.makeDirectory("/d");
    copyDirectory("/d");
    for (Node node : List.of(one, two)) {
      Files.createSymbolicLink(node.local("/link"), Path.of("d"));
    }
    one.write("/link/a", "text");
    assertEquals("text", two.read("/d/a"));
    assertEquals("text", two.read("/link/a"));
    assertEquals(List.of("a"), two.list("/link"));
  }

  private void copyDirectory(String path) throws IOException {
    Files.createDirectories(two.local(path));
    two.list("/");
  }

  @Test
  void linkInPlaceOfAFile_endsWhatWasToldOfIt() throws IOException {
    one.write("/a", "text");
    one.remove("/a");
    one.write("/b", "text");
    one.files.makeSymlink("b", path("/a"));
    talk();
    assertEquals(VfsError.NOT_FOUND, two.error("/a"));
    Files.createSymbolicLink(two.local("/a"), Path.of("b"));
    assertTrue(two.files.lstat(path("/a")).isSymlink());
  }

  private static OpenFile create(VirtualFileSystem files, String name, String text) throws VfsException {
    OpenFile file = files.open(path(name), OpenMode.CREATE_NEW, 0644);
    file.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8)), 0);
    return file;
  }

  private void removedElsewhere(String path) throws IOException {
    one.write(path, "old");
    copy(one, two, path);
    two.list("/");
    one.remove(path);
  }

  private List<String> namesAtTwo() throws IOException {
    try (Stream<Path> names = Files.list(two.local("/"))) {
      return names.map(name -> name.getFileName().toString()).sorted().toList();
    }
  }

  /** In a folder that users share, each has a partial of his own, and no lock keeps them apart. */
  @Test
  void nameThatWasFreedElsewhere_andIsTakenByAnotherSessionMeanwhile_isNotTakenAway() throws IOException {
    removedElsewhere("/a");
    try (VirtualFileSystem bob = two.session("bob\nnode-2")) {
      OpenFile ofBob = create(bob, "/a", "of Bob");
      OpenFile ofAnn = create(two.files, "/a", "of Ann");
      two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/a", ofBob::close));
      assertEquals(VfsError.EXISTS, error(ofAnn::close));
    }
    talk();
    assertEquals("of Bob", two.read("/a"));
    assertEquals("of Bob", one.read("/a"));
    assertEquals(List.of("a"), namesAtTwo().stream().filter(name -> !name.startsWith(Partials.PREFIX)).toList());
    assertEquals(1, namesAtTwo().size() - 1, "only Ann's upload is there besides");
  }

  @Test
  void nameThatWasFreedElsewhere_andIsTakenByAProgramMeanwhile_isNotTakenAway() throws IOException {
    removedElsewhere("/a");
    FileTime sameTime = Files.getLastModifiedTime(two.local("/a"));
    two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/a", () -> {
      Files.writeString(directory.resolve("new"), "NEW");
      Files.setLastModifiedTime(directory.resolve("new"), sameTime);
      Files.move(directory.resolve("new"), two.local("/a"), java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }));
    assertEquals(VfsError.EXISTS, error(() -> two.files.makeDirectory(path("/a"), 0755)));
    assertEquals("NEW", Files.readString(two.local("/a")));
    assertEquals(List.of("a"), namesAtTwo());

    removedElsewhere("/b");
    two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/b", () -> Files.delete(two.local("/b"))));
    two.makeDirectory("/b");
    assertTrue(Files.isDirectory(two.local("/b")));

    one.write("/c", "old");
    copy(one, two, "/c");
    one.write("/c", "newer");
    two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/c",
        () -> Files.writeString(two.local("/c"), "of a program")));
    two.remove("/c");
    assertEquals("of a program", Files.readString(two.local("/c")));
    assertFalse(Files.exists(one.local("/c")));
  }

  @Test
  void laterVersionThatIsOverToo_andIsBroughtMeanwhile_isTakenAwayAsWell() throws IOException {
    one.write("/a", "old");
    copy(one, two, "/a");
    one.write("/a", "later, and over");
    Path later = directory.resolve("later");
    Files.copy(one.local("/a"), later, java.nio.file.StandardCopyOption.COPY_ATTRIBUTES);
    one.remove("/a");
    two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/a",
        () -> Files.move(later, two.local("/a"), java.nio.file.StandardCopyOption.REPLACE_EXISTING)));
    two.makeDirectory("/a");
    assertTrue(Files.isDirectory(two.local("/a")));
    assertEquals(List.of("a/"), one.list("/"));
  }

  @Test
  void fileThatCanHaveItsNameNoMore_isKeptBesideIt() throws IOException {
    removedElsewhere("/a");
    two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.CHANGE_ENTRY, "/a", () -> {
      Files.writeString(two.local("/a"), "first");
      two.meanwhile = Optional.of(new Meanwhile(InterceptedFileSystem.Use.LOOK, "/" + Partials.PREFIX,
          () -> Files.writeString(two.local("/a"), "second")));
    }));
    assertEquals(VfsError.EXISTS, error(() -> two.files.makeDirectory(path("/a"), 0755)));
    assertEquals("second", Files.readString(two.local("/a")));
    List<String> names = two.list("/");
    assertEquals(2, names.size());
    assertEquals("first", two.read("/" + names.getLast()));
  }

  @Test
  void directoryThatIsRenamed_takesNothingAlong_thatWasRemovedElsewhere() throws IOException {
    one.makeDirectory("/d");
    one.makeDirectory("/d/e");
    one.makeDirectory("/d/gone");
    for (String path : List.of("/d/a", "/d/e/a", "/d/e/stays", "/d/gone/a", "/d/new")) {
      one.write(path, "text");
      copy(one, two, path);
    }
    Files.createSymbolicLink(two.local("/d/link"), Path.of("../other"));
    two.list("/d/e");
    for (String path : List.of("/d/a", "/d/e/a", "/d/gone/a", "/d/new")) {
      one.remove(path);
    }
    one.removeDirectory("/d/gone");
    Files.writeString(two.local("/d/new"), "of a program");

    two.rename("/d", "/f");

    assertEquals(List.of("f/"), two.list("/"));
    assertEquals(List.of("e/", "link", "new"), two.list("/f"));
    assertEquals(List.of("stays"), two.list("/f/e"));
    assertEquals(List.of("e/", "new"), one.list("/f"));
    assertEquals(List.of("stays"), one.list("/f/e"));
    assertEquals(VfsError.NOT_FOUND, one.error("/f/a"));
    assertFalse(Files.exists(two.local("/f/a")));
  }

  @Test
  void directoryThatIsRenamedForAnotherNode_takesNothingAlong_thatWasRemovedThere() throws IOException {
    one.makeDirectory("/d");
    one.write("/d/a", "text");
    one.write("/d/b", "text");
    copy(one, two, "/d/a");
    two.remove("/d/a");
    assertTrue(Files.exists(one.local("/d/a")));
    try (VirtualFileSystem own = one.own()) {
      own.rename(path("/home/d"), path("/home/e"), false);
    }
    talk();
    assertEquals(List.of("b"), one.list("/e"));
    assertEquals(List.of("b"), two.list("/e"));
    assertFalse(Files.exists(one.local("/e/a")));
  }

  /** At the first node; the synchroniser has brought the file only. */
  private void directoryInPlaceOfAFile() throws IOException {
    removedElsewhere("/x");
    one.makeDirectory("/x");
    one.makeDirectory("/x/d");
    one.write("/x/d/y", "deep");
  }

  @Test
  void directoryInPlaceOfAFile_isSeenAsADirectory() throws IOException {
    directoryInPlaceOfAFile();
    assertEquals(List.of("x/"), two.list("/"));
    assertEquals(List.of("d/"), two.list("/x"));
    assertEquals(List.of("y"), two.list("/x/d"));
    assertEquals("deep", two.read("/x/d/y"));
    assertEquals(path("/x/d/y"), two.files.canonical(path("/x/d/y")));
    assertEquals(VfsError.NOT_FOUND, two.error("/x/none"));
    assertEquals(VfsError.NOT_FOUND, two.error("/x/none/below"));
    assertEquals(VfsError.NOT_FOUND, error(() -> two.read("/x/d/none")));
    assertEquals(VfsError.NOT_FOUND, error(() -> two.remove("/x/none")));
    assertTrue(Files.isRegularFile(two.local("/x")), "looking changes nothing");
  }

  @Test
  void directoryInPlaceOfAFile_canBeUploadedInto() throws IOException {
    directoryInPlaceOfAFile();
    two.write("/x/of-two", "of two");
    two.write("/x/d/of-two", "of two");
    assertEquals(List.of("d/", "of-two"), two.list("/x"));
    assertEquals("of two", one.read("/x/d/of-two"));
    assertEquals("deep", two.read("/x/d/y"));
  }

  @Test
  void directoryInPlaceOfAFile_isRemovedAndRenamed_withoutTheFile() throws IOException {
    directoryInPlaceOfAFile();
    two.remove("/x/d/y");
    two.removeDirectory("/x/d");
    two.removeDirectory("/x");
    assertEquals(List.of(), two.list("/"));
    assertEquals(List.of(), one.list("/"));

    removedElsewhere("/z");
    one.makeDirectory("/z");
    one.removeDirectory("/z");
    assertEquals(List.of(), two.list("/"), "the file is not seen again");
    two.write("/z", "new");
    assertEquals("new", one.read("/z"));
  }

  @Test
  void fileThatNobodyKnows_inPlaceOfADirectory_stays() throws IOException {
    Files.writeString(two.local("/x"), "of a program");
    one.makeDirectory("/x");
    one.write("/x/y", "text");
    assertEquals("of a program", two.read("/x"));
    assertEquals(VfsError.NOT_A_DIRECTORY, error(() -> two.write("/x/z", "")));
    assertEquals("of a program", Files.readString(two.local("/x")));
  }
}
