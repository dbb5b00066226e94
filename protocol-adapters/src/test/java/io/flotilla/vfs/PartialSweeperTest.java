package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartialSweeperTest {
  private static final Duration KEEP = Duration.ofDays(7);

  @TempDir private Path root;
  private final ActiveUploads active = new ActiveUploads();
  private final List<Long> removed = new ArrayList<>();
  private Instant now = Instant.now();
  private PartialSweeper sweeper;

  @BeforeEach
  void make() {
    sweeper = new PartialSweeper(active, new Clock() {
      @Override
      public ZoneOffset getZone() {
        return ZoneOffset.UTC;
      }

      @Override
      public Clock withZone(java.time.ZoneId zone) {
        return this;
      }

      @Override
      public Instant instant() {
        return now;
      }
    });
  }

  private VirtualFileSystem session(String owner) throws VfsException {
    return new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, owner, active);
  }

  private OpenFile upload(VirtualFileSystem session, String path) throws VfsException {
    OpenFile file = session.open(VirtualPath.parse(path), OpenMode.EDIT, 0600);
    file.write(ByteBuffer.wrap("12345".getBytes(StandardCharsets.UTF_8)), 0);
    return file;
  }

  private void sweep() {
    sweeper.sweepIfDue("tree", () -> VirtualFileSystem.open(root), KEEP, scan -> scan.run(() -> { }), removed::add);
  }

  private Set<String> names(String directory) throws IOException {
    try (var files = Files.list(root.resolve(directory))) {
      return new TreeSet<>(files.map(file -> file.getFileName().toString()).toList());
    }
  }

  @Test
  void partialsWithWhichNobodyGoesOn_areDeleted_andWhatRunsStays() throws IOException {
    Files.createDirectory(root.resolve("d"));
    Files.writeString(root.resolve("finished"), "old");
    Files.createDirectory(root.resolve(Partials.PREFIX + "directory"));
    Files.createSymbolicLink(root.resolve("d/up"), Path.of(".."));
    try (VirtualFileSystem ann = session("ann"); VirtualFileSystem bob = session("bob")) {
      upload(ann, "/d/broken").abandon();
      upload(bob, "/d/broken").abandon();
      OpenFile running = upload(ann, "/running");
      now = now.plus(KEEP).minusSeconds(60);
      sweep();
      assertEquals(List.of(), removed, "too young");
      now = now.plusSeconds(120);
      sweep();
      assertEquals(List.of(), removed, "once a day");
      now = now.plus(Duration.ofDays(1));
      sweep();
      assertEquals(List.of(5L, 5L), removed);
      assertEquals(Set.of("up"), names("d"));
      running.close();
    }
    assertEquals(Set.of("d", "finished", "running", Partials.PREFIX + "directory"), names(""));
  }

  /** This process can't know that it is open elsewhere; what has stood still for so long is told that it failed. */
  @Test
  void uploadByAnotherNode_thatHasStoodStillAllTheTime_publishesNothing() throws IOException {
    try (VirtualFileSystem elsewhere = new PublishingFileSystem(
        VirtualFileSystem.open(root), Links.FOLLOW, "ann on another node", new ActiveUploads())) {
      OpenFile running = upload(elsewhere, "/slow");
      now = now.plus(KEEP).plusSeconds(60);
      sweep();
      assertEquals(List.of(5L), removed);
      assertThrows(VfsException.class, running::close);
      assertEquals(Set.of(), names(""));
    }
  }

  @Test
  void timesThatAClientSets_makeNothingOld() throws IOException {
    try (VirtualFileSystem ann = session("ann")) {
      OpenFile broken = upload(ann, "/broken");
      broken.setAttributes(new AttributeChange(java.util.OptionalLong.empty(), java.util.OptionalInt.empty(),
          java.util.Optional.empty(), java.util.Optional.of(Instant.EPOCH)));
      broken.abandon();
    }
    Path partial = root.resolve(names("").iterator().next());
    assertEquals(FileTime.from(Instant.EPOCH), Files.getLastModifiedTime(partial));
    sweep();
    assertEquals(List.of(), removed);
  }

  @Test
  void goingOnWithAPartial_renewsIt_thoughNothingIsWritten() throws IOException {
    try (VirtualFileSystem ann = session("ann")) {
      upload(ann, "/broken").abandon();
      Path partial = root.resolve(names("").iterator().next());
      Files.setLastModifiedTime(partial, FileTime.from(Instant.EPOCH));
      ann.open(VirtualPath.parse("/broken"), OpenMode.EDIT, 0600).abandon();
      assertTrue(Files.getLastModifiedTime(partial).toInstant().isAfter(Instant.EPOCH));
    }
  }
}
