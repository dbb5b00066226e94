package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.PathPermissions;
import io.flotilla.config.model.Permission;
import io.flotilla.config.model.UserSettings.Quota;
import java.io.IOException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class SegmentedUploadTest {
  @TempDir private Path root;
  private VirtualFileSystem files;

  @BeforeEach
  void openTree() throws IOException {
    Files.createDirectory(root.resolve("d"));
    files = session();
  }

  @AfterEach
  void closeTree() {
    files.close();
  }

  private VirtualFileSystem session() throws VfsException {
    return new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann\nnode", new ActiveUploads());
  }

  private VirtualFileSystem permitted(Permission... permissions) throws VfsException {
    return new PermittedFileSystem(session(),
        PathRules.of(new PathPermissions(new TreeMap<>(Map.of("/", Set.of(permissions))))), Links.FOLLOW);
  }

  private List<String> hidden() throws IOException {
    try (Stream<Path> all = Files.list(root.resolve("d"))) {
      return all.map(path -> path.getFileName().toString()).filter(Partials::isHidden).sorted().toList();
    }
  }

  private String published() throws IOException {
    Path file = root.resolve("d/a.bin");
    return Files.exists(file) ? Files.readString(file) : null;
  }

  private static void fails(VfsError error, org.junit.jupiter.api.function.Executable action) {
    assertEquals(error, assertThrows(VfsException.class, action).error());
  }

  @Test
  void anUploadInOneGo_becomesTheFileAsItIs() throws IOException {
    Uploads.create(files, 10, true);
    Uploads.append(files, 1, "01234");
    Uploads.append(files, 2, "56789");
    assertEquals(2, hidden().size(), "an info and one segment");
    Object inode = Files.getAttribute(root.resolve("d").resolve(hidden().getFirst()), "unix:ino");
    assertEquals(10, Uploads.offset(files));
    Uploads.publish(files, 3);
    assertEquals("0123456789", published());
    assertEquals(inode, Files.getAttribute(root.resolve("d/a.bin"), "unix:ino"));
    assertEquals(List.of(), hidden());
    fails(VfsError.NOT_FOUND, () -> Uploads.find(files));
  }

  @Test
  void whatIsStaged_isSeenByNobody() throws IOException {
    Uploads.create(files, 10, true);
    Uploads.append(files, 1, "01234");
    try (DirectoryListing listing = files.list(Uploads.path("/d"))) {
      assertEquals(null, listing.next());
    }
    fails(VfsError.NOT_FOUND, () -> files.stat(Uploads.TARGET));
    for (String name : hidden()) {
      fails(VfsError.NOT_FOUND, () -> files.open(Uploads.path("/d/" + name), OpenMode.READ, 0));
      fails(VfsError.INVALID_NAME, () -> files.staging(Uploads.path("/d/" + name), 0));
    }
    Files.writeString(root.resolve("d/secret"), "x");
    try (VirtualFileSystem staging = files.staging(Uploads.TARGET, 0)) {
      fails(VfsError.PERMISSION_DENIED, () -> staging.open(Uploads.path("/secret"), OpenMode.READ, 0));
      fails(VfsError.PERMISSION_DENIED, () -> staging.rename(Uploads.path("/" + hidden().getFirst()), Uploads.path("/secret"), true));
      fails(VfsError.PERMISSION_DENIED, () -> staging.removeFile(Uploads.path("/a.bin")));
    }
  }

  @Test
  void othersDontFindIt() throws IOException {
    Uploads.create(files, 10, true);
    assertTrue(SegmentedUpload.find(files, Uploads.TARGET, "bob", Uploads.ID).isEmpty());
    assertTrue(SegmentedUpload.find(files, Uploads.path("/d/b"), Uploads.USER, Uploads.ID).isEmpty());
    assertTrue(SegmentedUpload.find(files, Uploads.TARGET, Uploads.USER, "../" + Uploads.ID).isEmpty());
    assertEquals(1, SegmentedUpload.count(files, Uploads.TARGET, Uploads.USER));
    assertEquals(0, SegmentedUpload.count(files, Uploads.TARGET, "bob"));
    UploadInfo info = Uploads.find(files).info();
    assertEquals("key dmFsdWU=", info.metadata());
    assertEquals(10, info.length());
  }

  @Test
  void whoDidNotEndInOrder_isFollowedByASegmentOfItsOwn() throws IOException {
    Uploads.create(files, 6, true);
    SegmentWriter first = Uploads.take(files, 1);
    first.open(false);
    Uploads.write(first, "01");
    SegmentWriter second = Uploads.take(files, 2);
    assertEquals(2, second.offset());
    second.open(false);
    Uploads.write(second, "23");
    Uploads.write(first, "XYZ");
    fails(VfsError.BUSY, first::close);
    Uploads.append(files, 3, "45");
    assertEquals("012345", Uploads.counted(files));
    Uploads.publish(files, 4);
    assertEquals("012345", published());
    assertEquals(List.of(), hidden());
  }

  @Test
  void bytesThatAreChecked_countWhenTheyAreAccepted() throws Exception {
    Uploads.create(files, 6, true);
    SegmentWriter writer = Uploads.take(files, 1);
    writer.open(true);
    Uploads.write(writer, "01");
    assertEquals(0, Uploads.offset(files));
    writer.accept();
    assertEquals(2, Uploads.offset(files));
    writer.close();
    SegmentWriter wrong = Uploads.take(files, 2);
    wrong.open(true);
    Uploads.write(wrong, "XX");
    java.nio.ByteBuffer read = java.nio.ByteBuffer.allocate(2);
    assertEquals(2, wrong.read(read, 2));
    assertEquals("XX", new String(read.array(), StandardCharsets.US_ASCII));
    wrong.takeBack();
    assertEquals(2, wrong.offset());
    wrong.close();
    SegmentWriter broken = Uploads.take(files, 3);
    broken.open(true);
    Uploads.write(broken, "YY");
    broken.close();
    assertEquals("01", Uploads.counted(files));
    SegmentWriter killed = Uploads.take(files, 4);
    killed.open(true);
    Uploads.write(killed, "ZZZ");
    assertEquals(2, Uploads.take(files, 5).offset());
    Uploads.append(files, 6, "2345");
    Uploads.publish(files, 7);
    assertEquals("012345", published());
  }

  @Test
  void whatWasAbandonedBeforeItWasAccepted_doesNotCountWhenItsWriterIsOpenedAgain() throws IOException {
    Uploads.create(files, 6, true);
    SegmentWriter writer = Uploads.take(files, 1);
    writer.open(true);
    Uploads.write(writer, "XX");
    writer.abandon();
    fails(VfsError.IO, () -> writer.open(false));
    assertEquals(0, Uploads.offset(files));
  }

  @Test
  void bytesBeyondTheLength_orOutOfOrder_areRefused() throws IOException {
    Uploads.create(files, 3, true);
    SegmentWriter writer = Uploads.take(files, 1);
    writer.open(false);
    fails(VfsError.TOO_LARGE, () -> Uploads.write(writer, "0123"));
    fails(VfsError.IO, () -> writer.write(java.nio.ByteBuffer.wrap(new byte[1]), 1));
    Uploads.write(writer, "01");
    fails(VfsError.IO, writer::publish);
    writer.close();
    fails(VfsError.IO, writer::publish);
    assertEquals(2, Uploads.offset(files));
  }

  @Test
  void anEmptyFile_isOne() throws IOException {
    Uploads.create(files, 0, true);
    Uploads.publish(files, 1);
    assertEquals("", published());
    assertEquals(List.of(), hidden());
  }

  @Test
  void aNameThatIsTaken_isReplacedWithItsPermissions_orNot() throws IOException {
    Files.setPosixFilePermissions(Files.writeString(root.resolve("d/a.bin"), "old"), PosixFilePermissions.fromString("rw-r-----"));
    Uploads.create(files, 3, false);
    Uploads.append(files, 1, "new");
    fails(VfsError.EXISTS, () -> Uploads.publish(files, 2));
    assertEquals("old", published());
    SegmentWriter writer = Uploads.take(files, 3);
    writer.remove();
    assertEquals(List.of(), hidden());
    Uploads.create(files, 3, true);
    Uploads.append(files, 4, "new");
    Uploads.publish(files, 5);
    assertEquals("new", published());
    assertEquals("rw-r-----", PosixFilePermissions.toString(Files.getPosixFilePermissions(root.resolve("d/a.bin"))));
  }

  @Test
  void whatIsKeptBesideAFile_staysWhenItIsReplaced() throws IOException {
    Files.writeString(root.resolve("d/a.bin"), "old");
    byte[] properties = {1, 2};
    files.setExtraData(Uploads.TARGET, ExtraData.PROPERTIES, properties);
    Uploads.create(files, 3, true);
    Uploads.append(files, 1, "new");
    Uploads.publish(files, 2);
    assertEquals("new", published());
    org.junit.jupiter.api.Assertions.assertArrayEquals(properties, files.extraData(Uploads.TARGET, ExtraData.PROPERTIES));
  }

  @Test
  void whatIsKeptBesideOtherFiles_isNotStaged() throws IOException {
    Files.writeString(root.resolve("d/secret"), "x");
    VirtualPath secret = Uploads.path("/secret");
    Files.createDirectory(root.resolve("d/inner"));
    try (VirtualFileSystem staging = files.staging(Uploads.TARGET, 0)) {
      fails(VfsError.PERMISSION_DENIED, () -> staging.extraData(secret, ExtraData.PROPERTIES));
      fails(VfsError.PERMISSION_DENIED, () -> staging.setExtraData(secret, ExtraData.PROPERTIES, new byte[1]));
      fails(VfsError.PERMISSION_DENIED, () -> staging.setExtraData(Uploads.path("/a.bin"), ExtraData.PROPERTIES, new byte[1]));
      fails(VfsError.PERMISSION_DENIED, () -> staging.space(secret));
      fails(VfsError.PERMISSION_DENIED, () -> staging.syncDirectory(Uploads.path("/inner")));
    }
  }

  @Test
  void aDirectoryOrALink_isNotReplaced() throws IOException {
    Uploads.create(files, 0, true);
    Files.createDirectory(root.resolve("d/a.bin"));
    fails(VfsError.IS_A_DIRECTORY, () -> Uploads.publish(files, 1));
    Files.delete(root.resolve("d/a.bin"));
    Files.createSymbolicLink(root.resolve("d/a.bin"), root.getFileSystem().getPath("b"));
    fails(VfsError.PERMISSION_DENIED, () -> Uploads.publish(files, 2));
  }

  @Test
  void aNewerRequestOfTheProcess_endsTheOlder() throws IOException {
    Uploads.create(files, 6, true);
    SegmentWriter older = Uploads.take(files, 1);
    older.open(false);
    Uploads.write(older, "01");
    older.revoke();
    fails(VfsError.BUSY, () -> Uploads.write(older, "23"));
    Uploads.append(files, 2, "2345");
    assertEquals(2, hidden().size(), "it went on in the same segment");
    fails(VfsError.BUSY, older::publish);
    fails(VfsError.BUSY, older::remove);
    Uploads.publish(files, 3);
    assertEquals("012345", published());
  }

  @Test
  void aClaimThatIsOver_endsAll() throws IOException {
    Uploads.create(files, 6, true);
    boolean[] isOver = new boolean[1];
    SegmentWriter writer = Uploads.find(files).take(new UploadClaim() {
      @Override
      public long number() {
        return 1;
      }

      @Override
      public void check() throws VfsException {
        if (isOver[0]) {
          throw new VfsException(VfsError.BUSY, "over");
        }
      }
    });
    writer.open(false);
    Uploads.write(writer, "01");
    isOver[0] = true;
    fails(VfsError.BUSY, () -> Uploads.write(writer, "23"));
    fails(VfsError.BUSY, writer::close);
    writer.abandon();
    assertEquals(2, Uploads.offset(files));
  }

  @Test
  void whoHasAnOlderClaim_takesNothing() throws IOException {
    Uploads.create(files, 6, true);
    Uploads.append(files, 5, "01");
    fails(VfsError.BUSY, () -> Uploads.take(files, 4));
    assertEquals("01", Uploads.counted(files));
  }

  @Test
  void permissions_areAskedForEachUse() throws IOException {
    try (VirtualFileSystem mayUpload = permitted(Permission.UPLOAD); VirtualFileSystem mayList = permitted(Permission.LIST)) {
      fails(VfsError.PERMISSION_DENIED, () -> Uploads.create(mayList, 3, true));
      Uploads.create(mayUpload, 3, true);
      Uploads.append(mayUpload, 1, "new");
      SegmentWriter writer = Uploads.take(mayUpload, 2);
      Files.writeString(root.resolve("d/a.bin"), "old");
      fails(VfsError.EXISTS, writer::publish);
      fails(VfsError.PERMISSION_DENIED, () -> Uploads.create(mayUpload, 3, true));
      fails(VfsError.EXISTS, () -> Uploads.publish(mayUpload, 3)); // one's own can still be found
      fails(VfsError.PERMISSION_DENIED, () -> Uploads.find(mayList));
      assertEquals("old", published());
    }
    try (VirtualFileSystem mayOverwrite = permitted(Permission.UPLOAD, Permission.OVERWRITE)) {
      Uploads.publish(mayOverwrite, 4);
      assertEquals("new", published());
    }
  }

  @Test
  void whoMayUpload_canEndAnUpload_whoseNameIsTaken() throws IOException {
    try (VirtualFileSystem mayUpload = permitted(Permission.UPLOAD)) {
      Uploads.create(mayUpload, 3, true);
      Uploads.append(mayUpload, 1, "ne");
      Files.writeString(root.resolve("d/a.bin"), "old");
      try (SegmentedUpload upload = Uploads.find(mayUpload)) {
        upload.remove(Uploads.claim(2));
      }
      assertEquals(List.of(), hidden());
      assertEquals("old", published());
    }
  }

  @Test
  void aQuota_countsWhatIsThere_andRefusesWhatHasNoRoom() throws IOException {
    Files.writeString(root.resolve("d/a.bin"), "old!");
    Usage usage = new Usage(new TreeScans().of("main"));
    Usage.Source source = () -> VirtualFileSystem.open(root);
    usage.refresh(source);
    assertTrue(usage.awaitFirst(Duration.ofSeconds(30)));
    try (VirtualFileSystem session = new QuotaFileSystem(
        session(), usage, new Quota(OptionalLong.of(2_000), OptionalLong.of(100)), source, () -> { })) {
      fails(VfsError.QUOTA_EXCEEDED, () -> Uploads.create(session, 1_997, true));
      assertEquals(List.of(), hidden());
      Uploads.create(session, 1_000, true);
      Uploads.append(session, 1, "x".repeat(400));
      SegmentWriter killed = Uploads.take(session, 2);
      killed.open(false);
      Uploads.write(killed, "y".repeat(100));
      killed.abandon();
      assertCounted(usage);
      Uploads.append(session, 3, "z".repeat(500));
      assertCounted(usage);
      fails(VfsError.QUOTA_EXCEEDED, () -> Uploads.publish(session, 4)); // the copy has no room
      assertCounted(usage);
    }
    try (VirtualFileSystem session = new QuotaFileSystem(
        session(), usage, new Quota(OptionalLong.of(3_000), OptionalLong.of(100)), source, () -> { })) {
      Uploads.publish(session, 5);
      assertEquals(1_000, published().length());
      assertCounted(usage);
      assertEquals(List.of(1_000L, 1L), List.of(usage.bytes(), usage.files()));
      Uploads.create(session, 1_000, true);
      Uploads.append(session, 6, "x".repeat(400));
      Uploads.take(session, 7).remove();
      assertEquals(List.of(1_000L, 1L), List.of(usage.bytes(), usage.files()));
    }
  }

  private void assertCounted(Usage usage) {
    Usage again = new Usage(new TreeScans().of("again"));
    again.scan(() -> VirtualFileSystem.open(root), () -> { });
    assertEquals(List.of(again.bytes(), again.files()), List.of(usage.bytes(), usage.files()), "as a scan finds it");
  }

  @Test
  void itLiesWhereItsFolderIsMounted() throws IOException {
    Files.createDirectories(root.resolve("mounted/d"));
    VirtualFileSystem folder = new PublishingFileSystem(
        VirtualFileSystem.open(root.resolve("mounted")), Links.FOLLOW, "ann\nnode", new ActiveUploads());
    try (VirtualFileSystem tree = new MountedFileSystem(session(), Map.of(Uploads.path("/d"), new PermittedFileSystem(
        folder, PathRules.of(new PathPermissions(new TreeMap<>(Map.of("/", Permission.all())))), Links.FOLLOW)))) {
      fails(VfsError.IS_A_DIRECTORY, () -> tree.staging(Uploads.path("/d"), 0));
      Files.createDirectories(root.resolve("mounted"));
      Uploads.create(tree, 2, true);
      Uploads.append(tree, 1, "01");
      Uploads.publish(tree, 2);
    }
    assertEquals("01", Files.readString(root.resolve("mounted/a.bin")));
  }

  /** On NFS a name is changed by linking and unlinking. */
  @Test
  void whoIsFrozenWhileAFileHasTwoNames_leavesNothingBehind() throws IOException {
    Uploads.create(files, 6, true);
    Uploads.append(files, 2, "012");
    for (String name : hidden()) {
      String former = name.endsWith(".info.2") ? name.replace(".info.2", ".info.0") : name.replace(".free.", ".held.");
      Files.createLink(root.resolve("d").resolve(former), root.resolve("d").resolve(name));
    }
    assertEquals(4, hidden().size());
    assertEquals(3, Uploads.offset(files));
    Uploads.append(files, 3, "345");
    Uploads.publish(files, 4);
    assertEquals("012345", published());
    assertEquals(List.of(), hidden());
  }

  /** The same node by node: the name it was to get is that of the same file. */
  @Test
  void whoDiesWhileAFileHasTwoNames_isFollowedByOthers() throws IOException {
    Uploads.create(files, 6, true);
    Uploads.append(files, 1, "012");
    String segment = hidden().stream().filter(name -> name.endsWith(".free.1")).findFirst().orElseThrow();
    Files.createLink(root.resolve("d").resolve(segment.replace(".free.1", ".free.2")), root.resolve("d").resolve(segment));
    Uploads.append(files, 3, "345");
    assertEquals(2, hidden().size());
    Uploads.publish(files, 4);
    assertEquals("012345", published());
    assertEquals(List.of(), hidden());
  }

  @Test
  void aNameThatAnotherFileHas_isNotTakenFromIt() throws IOException {
    Uploads.create(files, 6, true);
    Uploads.append(files, 1, "012");
    String segment = hidden().stream().filter(name -> name.endsWith(".free.1")).findFirst().orElseThrow();
    Files.copy(root.resolve("d").resolve(segment), root.resolve("d").resolve(segment.replace(".free.1", ".free.2")));
    fails(VfsError.EXISTS, () -> Uploads.take(files, 3));
    assertEquals(3, hidden().size());
  }

  /** As a synchroniser brings files, or a sweeper removes them. */
  @Test
  void whatIsBeyondAGap_countsWhenTheGapIsFilled() throws IOException {
    Uploads.create(files, 9, true);
    for (int i = 0; i < 3; i++) {
      SegmentWriter dead = Uploads.take(files, i + 1);
      dead.open(false);
      Uploads.write(dead, "012345678".substring(3 * i, 3 * i + 3));
      dead.abandon();
    }
    for (int missing = 0; missing < 2; missing++) {
      String start = "%s.%016x.".formatted(Uploads.ID, 3 * missing);
      Path segment = root.resolve("d").resolve(hidden().stream().filter(name -> name.contains(start)).findFirst().orElseThrow());
      Path elsewhere = Files.move(segment, root.resolve("elsewhere"));
      List<String> before = hidden();
      try (SegmentedUpload upload = Uploads.find(files)) {
        SegmentedUpload.State state = upload.state();
        assertTrue(state.hasGap());
        assertEquals(3 * missing, state.offset());
        fails(VfsError.BUSY, () -> upload.take(Uploads.claim(4)));
      }
      fails(VfsError.BUSY, () -> Uploads.publish(files, 4));
      assertEquals(before, hidden());
      assertEquals(null, published());
      Files.writeString(segment, "0"); // not all of it
      assertTrue(Uploads.find(files).state().hasGap());
      Files.move(elsewhere, segment, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    }
    assertEquals("012345678", Uploads.counted(files));
    Uploads.publish(files, 4);
    assertEquals("012345678", published());
    assertEquals(List.of(), hidden());
  }

  @Test
  void anUploadWithAGap_canBeEnded() throws IOException {
    Uploads.create(files, 9, true);
    SegmentWriter dead = Uploads.take(files, 1);
    dead.open(false);
    Uploads.write(dead, "012");
    dead.abandon();
    Uploads.append(files, 2, "345");
    Files.delete(root.resolve("d").resolve(hidden().getFirst()));
    assertTrue(Uploads.find(files).state().hasGap());
    Uploads.find(files).remove(Uploads.claim(3));
    assertEquals(List.of(), hidden());
  }

  /** What may stand between an upload and the disk. */
  enum Storage {
    OTHER_THREADS, LOCAL_DISK, GUARDED, CHECKED_PATHS;

    VirtualFileSystem open(Path root) throws VfsException {
      StorageBulkheads bulkheads = new StorageBulkheads();
      return switch (this) {
        case OTHER_THREADS -> new DetachedFileSystem(
            bulkheads.of("main", Optional.of(root)), () -> VirtualFileSystem.open(root), () -> false);
        case LOCAL_DISK -> new DetachedFileSystem(bulkheads.of("main", Optional.of(root)), () -> VirtualFileSystem.open(root), () -> true);
        case GUARDED -> {
          VirtualFileSystem files = VirtualFileSystem.open(root);
          yield GuardedFileSystem.atRoot(files, StorageGuard.of("main", root, "marker", files));
        }
        case CHECKED_PATHS -> CheckedVirtualFileSystem.open(root, Links.FOLLOW);
      };
    }
  }

  @ParameterizedTest
  @EnumSource
  void itGoesThroughWhatEachStorageHas(Storage storage) throws Exception {
    Files.writeString(root.resolve("marker"), "");
    try (VirtualFileSystem tree = storage.open(root)) {
      Uploads.create(tree, 6, true);
      SegmentWriter older = Uploads.take(tree, 1);
      older.open(false);
      Uploads.write(older, "01");
      Thread newer = Thread.ofVirtual().start(() -> {
        try {
          older.revoke();
        } catch (VfsException e) {
          throw new AssertionError(e);
        }
      });
      newer.join();
      Uploads.append(tree, 2, "23");
      assertEquals(2, hidden().size(), "it was set free");
      SegmentWriter killed = Uploads.take(tree, 3);
      killed.open(true);
      Uploads.write(killed, "XX");
      killed.abandon();
      Uploads.append(tree, 4, "45");
      Uploads.publish(tree, 5);
      assertEquals("012345", published());
      assertEquals(List.of(), hidden());
      fails(VfsError.IS_A_DIRECTORY, () -> tree.staging(VirtualPath.ROOT, 0));
      if (storage == Storage.GUARDED) {
        fails(VfsError.PERMISSION_DENIED, () -> tree.staging(Uploads.path("/marker"), 0));
      }
    }
  }

  @Test
  void whatNobodyGoesOnWith_isSwept_andRemovedWithItsDirectory() throws IOException {
    Uploads.create(files, 10, true);
    Uploads.append(files, 1, "01234");
    fails(VfsError.NOT_EMPTY, () -> files.removeDirectory(Uploads.path("/d"))); // it may be in use
    Clock later = Clock.fixed(Instant.now().plus(Duration.ofDays(8)), ZoneOffset.UTC);
    java.util.concurrent.atomic.AtomicLong removed = new java.util.concurrent.atomic.AtomicLong();
    new PartialSweeper(new ActiveUploads(), later).sweepIfDue("d", () -> VirtualFileSystem.open(root), Duration.ofDays(7),
        new TreeScans().of("main"), removed::addAndGet);
    org.awaitility.Awaitility.await().atMost(Duration.ofSeconds(30)).until(() -> hidden().isEmpty());
    files.removeDirectory(Uploads.path("/d"));
    assertFalse(Files.exists(root.resolve("d")));
  }

  /** What another does while one is frozen. */
  enum Meanwhile { FINISHES, ENDS_IT, GOES_ON, GOES_ON_AND_DIES }

  private interface Step {
    void run() throws VfsException;
  }

  /** A tree in which something happens before the call of a number on what is staged. */
  private static final class Freezing {
    private final int at;
    private final Step meanwhile;
    private int calls;

    Freezing(int at, Step meanwhile) {
      this.at = at;
      this.meanwhile = meanwhile;
    }

    <T> T proxy(Class<T> type, T real, boolean isStaged) {
      return type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] {type}, (_, method, arguments) -> {
        if (isStaged && calls++ == at) {
          meanwhile.run();
        }
        try {
          Object result = method.invoke(real, arguments);
          return switch (result) {
            case OpenFile file -> proxy(OpenFile.class, file, isStaged);
            case DirectoryListing listing -> proxy(DirectoryListing.class, listing, isStaged);
            case VirtualFileSystem staging -> proxy(VirtualFileSystem.class, staging, true);
            case null, default -> result;
          };
        } catch (InvocationTargetException e) {
          throw e.getCause();
        }
      }));
    }
  }

  /** One who doesn't know that time has passed. */
  private static void uploadAll(VirtualFileSystem tree, long number, String text, boolean isChecked) throws VfsException {
    try (SegmentedUpload upload = Uploads.find(tree)) {
      for (int half = 0; half < 2; half++) {
        SegmentWriter writer = upload.take(Uploads.claim(number));
        int offset = (int) writer.offset();
        writer.open(isChecked);
        Uploads.write(writer, text.substring(offset, half == 0 ? Math.max(offset, text.length() / 2) : text.length()));
        if (isChecked) {
          writer.accept();
        }
        writer.close();
      }
      upload.take(Uploads.claim(number)).publish();
    }
  }

  @ParameterizedTest
  @EnumSource
  void whoIsFrozenAtAnyCall_andGoesOnLater_harmsNothing(Meanwhile meanwhile) throws Exception {
    for (boolean[] kind : new boolean[][] {{false, false}, {true, false}, {false, true}}) {
      int at = 0;
      while (freezeAt(at, meanwhile, kind[0], kind[1])) {
        at++;
      }
      assertTrue(at > 30, "it was frozen at " + at + " calls");
    }
  }

  /** @return false if there are not so many calls */
  private boolean freezeAt(int at, Meanwhile meanwhile, boolean isChecked, boolean hasSegments) throws Exception {
    String own = "abcdefgh";
    String others = "ABCDEFGH";
    Uploads.create(files, own.length(), true);
    if (hasSegments) { // so that the file has to be put together
      SegmentWriter dead = Uploads.take(files, 1);
      dead.open(false);
      Uploads.write(dead, "ab");
      dead.abandon();
    }
    boolean[] isFrozen = new boolean[1];
    String[] expected = new String[1];
    Step step = () -> {
      isFrozen[0] = true;
      if (Files.exists(root.resolve("d/a.bin"))) {
        expected[0] = "it was published before";
        return;
      }
      SegmentWriter writer = Uploads.take(files, 3);
      int offset = (int) writer.offset();
      String counted = writer.isComplete() ? own : Uploads.counted(files);
      assertEquals(own.substring(0, offset), counted);
      expected[0] = counted + others.substring(offset);
      switch (meanwhile) {
        case ENDS_IT -> writer.remove();
        case FINISHES -> {
          if (offset < own.length()) {
            writer.open(false);
            Uploads.write(writer, others.substring(offset));
            writer.close();
          }
          writer.publish();
        }
        case GOES_ON, GOES_ON_AND_DIES -> {
          if (offset < own.length()) {
            writer.open(false);
            Uploads.write(writer, others.substring(offset, offset + 1));
          }
          if (meanwhile == Meanwhile.GOES_ON) {
            writer.close();
          } else {
            writer.abandon();
          }
        }
      }
    };
    Freezing freezing = new Freezing(at, step);
    boolean isOver = true;
    try {
      uploadAll(freezing.proxy(VirtualFileSystem.class, files, false), 2, own, isChecked);
    } catch (VfsException e) {
      isOver = false;
    }
    String where = meanwhile + " at call " + at + (isChecked ? ", checked" : "") + (hasSegments ? ", of several segments" : "");
    if (!isFrozen[0]) {
      assertTrue(isOver, where);
      assertEquals(own, published(), where);
    } else if (!expected[0].startsWith("it was")) {
      switch (meanwhile) {
        case ENDS_IT -> assertEquals(null, published(), where);
        case FINISHES -> assertEquals(expected[0], published(), where);
        case GOES_ON, GOES_ON_AND_DIES -> {
          SegmentWriter last = Uploads.take(files, 4);
          if (!last.isComplete()) {
            last.open(false);
            Uploads.write(last, others.substring((int) last.offset()));
            last.close();
          }
          last.publish();
          assertEquals(expected[0], published(), where);
        }
      }
    }
    for (String name : hidden()) { // what one makes who goes on too late is left to the sweeper
      assertFalse(name.contains(".info."), () -> where + " leaves " + name);
      Files.delete(root.resolve("d").resolve(name));
    }
    Files.deleteIfExists(root.resolve("d/a.bin"));
    return isFrozen[0];
  }

  @Test
  void aLateOne_doesNotBringBackWhatWasReplacedSince() throws Exception {
    for (boolean hasSegments : new boolean[] {false, true}) {
      int at = 0;
      boolean[] isFrozen = {true};
      while (isFrozen[0]) {
        isFrozen[0] = false;
        Uploads.create(files, 4, true);
        if (hasSegments) {
          SegmentWriter dead = Uploads.take(files, 1);
          dead.open(false);
          Uploads.write(dead, "a");
          dead.abandon();
        }
        Step step = () -> {
          isFrozen[0] = true;
          if (SegmentedUpload.find(files, Uploads.TARGET, Uploads.USER, Uploads.ID).isPresent()) {
            SegmentWriter writer = Uploads.take(files, 3);
            if (!writer.isComplete()) {
              writer.open(false);
              Uploads.write(writer, "ABCD".substring((int) writer.offset()));
              writer.close();
            }
            writer.publish();
          }
          try {
            Files.writeString(root.resolve("d/a.bin"), "later");
          } catch (IOException e) {
            throw new AssertionError(e);
          }
        };
        try {
          uploadAll(new Freezing(at, step).proxy(VirtualFileSystem.class, files, false), 2, "abcd", false);
        } catch (VfsException e) {
          assertTrue(isFrozen[0], e::toString);
        }
        if (isFrozen[0]) {
          assertEquals("later", published(), "frozen at call " + at);
        }
        for (String name : hidden()) {
          Files.delete(root.resolve("d").resolve(name));
        }
        Files.deleteIfExists(root.resolve("d/a.bin"));
        at++;
      }
      assertTrue(at > 30);
    }
  }
}
