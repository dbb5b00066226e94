package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

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

  /** Lets something happen after an entry was changed and before that is told. */
  private final class Slow extends InterceptedFileSystem {
    private final VirtualFileSystem files;

    Slow(VirtualFileSystem files) {
      this.files = files;
    }

    @Override
    <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
      T result = operation.on(files);
      if (use == Use.CHANGE_ENTRY) {
        Step step = meanwhile;
        meanwhile = () -> { };
        try {
          step.run();
        } catch (IOException e) {
          throw new AssertionError(e);
        }
      }
      return result;
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
    there.made("main", List.of(new RecentChange.Draft(path("/" + name), new Written(false, new Version(size, Instant.EPOCH), 0644))));
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
}
