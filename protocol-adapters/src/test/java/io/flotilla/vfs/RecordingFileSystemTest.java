package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a node tells, whatever is done in its storage or is heard of between an operation and what is told of it. */
class RecordingFileSystemTest implements RecentChanges.Events {
  @TempDir private Path directory;
  private final RecentChanges here = registry("here");
  private final RecentChanges there = registry("there");
  private VirtualFileSystem files;
  private Step meanwhile = () -> { };
  private Step lookedAt = () -> { };

  private interface Step {
    void run() throws IOException;
  }

  private RecentChanges registry(String node) {
    return new RecentChanges(node, _ -> Duration.ofMinutes(10), () -> System.nanoTime() / 1000, System::nanoTime, this);
  }

  @Override
  public void conflict(RecentChanges.Conflict conflict) {
    // Some of what crosses here is one.
  }

  @Override
  public void forgotten(String node, int count) {
    throw new AssertionError("nothing is that much");
  }

  /** Lets something happen after an entry was changed, or looked at, and before that is told. */
  private final class Slow extends InterceptedFileSystem {
    private final VirtualFileSystem files;

    Slow(VirtualFileSystem files) {
      this.files = files;
    }

    @Override
    <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
      try {
        return operation.on(files);
      } finally {
        pass(use);
      }
    }

    private void pass(Use use) {
      Step step = use == Use.LOOK ? lookedAt : meanwhile;
      if (use == Use.LOOK) {
        lookedAt = () -> { };
      } else {
        meanwhile = () -> { };
      }
      try {
        step.run();
      } catch (IOException e) {
        throw new AssertionError(e);
      }
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
    VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath path) {
      throw new AssertionError("nobody asks for it");
    }

    @Override
    public void close() {
      files.close();
    }
  }

  @BeforeEach
  void open() throws IOException {
    files = new RecordingFileSystem(new Slow(VirtualFileSystem.open(directory)), here, "main", VirtualPath.ROOT);
  }

  @AfterEach
  void close() {
    files.close();
  }

  private static VirtualPath path(String text) throws VfsException {
    return VirtualPath.parse(text);
  }

  private void writeUntold(String name, String text) throws IOException {
    Files.writeString(directory.resolve(name), text);
  }

  private void publish(String name, String text) throws IOException {
    writeUntold(Partials.PREFIX + "x", text);
    files.rename(path("/" + Partials.PREFIX + "x"), path("/" + name), true);
  }

  private Version version(String name) throws VfsException {
    return Version.of(files.lstat(path("/" + name)));
  }

  /** The other node writes a path of its own copy. */
  private void writtenThere(String name, long size) throws VfsException {
    there.made("main", List.of(new RecentChange.Draft(path("/" + name), new Written(false, new Version(size, Instant.EPOCH), 0644))),
        Long.MAX_VALUE);
    hear(here, there, "there");
  }

  private static void hear(RecentChanges listener, RecentChanges teller, String name) {
    try {
      listener.heard(name, teller.after(listener.heardOf(name), 10_000, Duration.ZERO));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Optional<RecentChange> heard(String name) throws VfsException {
    hear(there, here, "here");
    return there.expected("main", path("/" + name)).map(RecentChanges.Known::change);
  }

  @Test
  void whatIsHeardOf_whileAnOlderFileIsRemovedOrRenamed_isStillToCome() throws IOException {
    publish("a", "old");
    meanwhile = () -> writtenThere("a", 77);
    files.removeFile(path("/a"));
    assertEquals(Optional.empty(), heard("a"));
    assertEquals(77, here.expected("main", path("/a")).orElseThrow().change().left().orElseThrow().size());

    publish("b", "old");
    meanwhile = () -> writtenThere("b", 77);
    files.rename(path("/b"), path("/c"), false);
    assertEquals(Optional.empty(), heard("b"));
    assertEquals(3, heard("c").orElseThrow().left().orElseThrow().size());
  }

  @Test
  void whatIsHeardOf_whileAFileIsReplaced_isNotReplaced() throws IOException {
    publish("a", "old");
    Version old = version("a");
    meanwhile = () -> writtenThere("a", 77);
    publish("a", "newer");
    assertEquals(List.of(old), heard("a").orElseThrow().replaced());
    writtenThere("b", 78);
    publish("b", "newer");
    assertEquals(List.of(new Version(78, Instant.EPOCH)), heard("b").orElseThrow().replaced());
  }

  private void assertTold(String name, String text, Version... replaced) throws VfsException {
    RecentChange change = heard(name).orElseThrow();
    assertEquals(version(name), change.left().orElseThrow());
    assertEquals(text.length(), change.left().orElseThrow().size());
    assertEquals(List.of(replaced), change.replaced());
  }

  @Test
  void whatIsPublished_whileAnotherSessionRemovesOrRenamesTheFormer_isToldAsTheNewest() throws IOException {
    publish("a", "1");
    Version first = version("a");
    meanwhile = () -> publish("a", "second");
    files.rename(path("/a"), path("/b"), false);
    assertTold("a", "second", first);
    assertTold("b", "1");

    publish("c", "1");
    Version former = version("c");
    lookedAt = () -> lookedAt = () -> publish("c", "second");
    files.rename(path("/c"), path("/d"), false);
    assertTold("d", "second");
    assertEquals(former, heard("c").orElseThrow().replaced().getLast());

    Version second = version("a");
    meanwhile = () -> lookedAt = () -> publish("a", "the third");
    files.removeFile(path("/a"));
    assertTold("a", "the third", second, first);
  }

  @Test
  void publicationsThatCross_areToldAsTheyAreInTheEnd() throws IOException {
    publish("a", "1");
    Version first = version("a");
    meanwhile = () -> lookedAt = () -> publish("a", "the third");
    publish("a", "second");
    assertEquals("the third", Files.readString(directory.resolve("a")));
    assertEquals(version("a"), heard("a").orElseThrow().left().orElseThrow());
    assertTrue(heard("a").orElseThrow().replaced().contains(first));

    meanwhile = () -> lookedAt = () -> files.removeFile(path("/a"));
    publish("a", "the fourth one");
    assertEquals(new Removed(false, new Version(14, heard("a").orElseThrow().ended().findFirst().orElseThrow().modified())),
        heard("a").orElseThrow().state());
  }

  @Test
  void whatIsMadeAnew_inADirectoryThatWasRemovedOrRenamed_isTold() throws IOException {
    files.makeDirectory(path("/d"), 0755);
    meanwhile = () -> {
      files.makeDirectory(path("/d"), 0755);
      publish("d/a", "of another session");
    };
    files.removeDirectory(path("/d"));
    assertTold("d/a", "of another session");
    assertTrue(heard("d").orElseThrow().state() instanceof Written);

    meanwhile = () -> {
      files.makeDirectory(path("/d"), 0755);
      publish("d/a", "anew");
    };
    files.rename(path("/d"), path("/e"), false);
    assertEquals("anew".length(), heard("d/a").orElseThrow().left().orElseThrow().size());
    assertTold("e/a", "of another session");
    assertTrue(heard("d").orElseThrow().state() instanceof Written);
  }

  private OpenFile edit(String name) throws VfsException {
    OpenFile file = files.open(path("/" + name), OpenMode.EDIT, 0644);
    file.write(java.nio.ByteBuffer.wrap(new byte[20]), 0);
    return file;
  }

  @Test
  void editInPlace_thatEndsAfterItsNameWasReplacedOrFreed_isNotToldUnderThatName() throws IOException {
    publish("a", "text");
    OpenFile replaced = edit("a");
    publish("a", "second");
    replaced.close();
    assertEquals("second".length(), heard("a").orElseThrow().left().orElseThrow().size());

    OpenFile rotated = edit("a");
    files.rename(path("/a"), path("/a.1"), false);
    publish("a", "the third");
    rotated.abandon();
    assertEquals("the third".length(), heard("a").orElseThrow().left().orElseThrow().size());

    OpenFile removed = edit("a");
    files.removeFile(path("/a"));
    removed.close();
    assertTrue(heard("a").orElseThrow().state() instanceof Removed);

    publish("b", "text");
    Version before = version("b");
    edit("b").close();
    assertEquals(List.of(20L, before), List.of(heard("b").orElseThrow().left().orElseThrow().size(), heard("b").orElseThrow().replaced().getFirst()));
  }

  @Test
  void renameToAnotherNameOfTheSameFile_leavesBoth() throws IOException {
    publish("a", "text");
    Files.createLink(directory.resolve("b"), directory.resolve("a"));
    files.rename(path("/a"), path("/b"), true);
    assertTold("a", "text");
    assertTold("b", "text");
  }
}
