package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.TestConfiguration;
import io.flotilla.config.model.Kind;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UserHomesTest {
  @TempDir private Path storage;
  private final TestConfiguration config = new TestConfiguration();
  private final StorageDirectories storages = new StorageDirectories(List::of);

  @BeforeEach
  void configure() {
    config.put(Kind.STORAGES, "main", json -> json.put("path", storage.toString()));
    config.put(Kind.FOLDERS, "team", json -> json.put("storage", "main").put("path", "/team"));
    config.put(Kind.USERS, "ann", json -> json.putArray("folders").addObject().put("at", "/team").put("folder", "team"));
    assertEquals(List.of(), config.commit(storages));
  }

  private VirtualFileSystem login(UserHomes homes) throws VfsException {
    return homes.open(config.view(), config.view().user("ann").orElseThrow());
  }

  @Test
  void home_isOpenedAtLogin_andAFolderByItsFirstUse() throws IOException {
    UserHomes homes = new UserHomes();
    try (VirtualFileSystem session = login(homes)) {
      assertTrue(Files.isDirectory(storage.resolve("users/ann")));
      assertFalse(Files.exists(storage.resolve("team")));
      session.list(VirtualPath.parse("/team")).close();
      assertTrue(Files.isDirectory(storage.resolve("team")));
    }
    assertEquals(List.of(), homes.problems());
  }

  @Test
  void partialsThatAreTooOld_goFromHomeAndFolder_whenTheyAreUsed() throws IOException {
    for (String quota : List.of("without", "with")) {
      try (VirtualFileSystem session = login(new UserHomes())) {
        for (String name : List.of("/broken", "/team/broken")) {
          OpenFile file = session.open(VirtualPath.parse(name), OpenMode.REPLACE, 0600);
          file.write(ByteBuffer.wrap(new byte[10]), 0);
          file.abandon();
        }
      }
      config.put(Kind.POLICIES, "uploads", json -> json.put("keepPartials", "3h"));
      if (quota.equals("with")) {
        config.change(Kind.USERS, "ann", json -> json.putObject("limits").put("quotaBytes", 15));
      }
      assertEquals(List.of(), config.commit(storages));
      login(new UserHomes(Clock.offset(Clock.systemUTC(), Duration.ofMinutes(170)))).close();
      assertEquals(1, entries("users/ann"), "it is kept for longer");
      try (VirtualFileSystem session = login(new UserHomes(Clock.offset(Clock.systemUTC(), Duration.ofMinutes(190))))) {
        session.stat(VirtualPath.parse("/team"));
        Awaitility.await().until(() -> entries("users/ann") + entries("team") == 0);
      }
    }
  }

  private static final class OneNode implements RecentChanges.Events, OtherNodes {
    @Override
    public void conflict(RecentChanges.Conflict conflict) {
      throw new AssertionError(conflict);
    }

    @Override
    public void forgotten(String node, int count) {
      throw new AssertionError(node);
    }

    @Override
    public Optional<OpenFile> open(String node, Location file, RecentChange.Version version) {
      throw new AssertionError(file);
    }

    @Override
    public boolean remove(String node, Location entry, RecentChange.Removed what) {
      throw new AssertionError(entry);
    }

    @Override
    public boolean rename(String node, Location entry, VirtualPath to, boolean replace, RecentChange.Written what) {
      throw new AssertionError(entry);
    }
  }

  @Test
  void pathThatCantBeLookedAt_holdsUpNoOther_thatHasArrived() throws Exception {
    RecentChanges changes = new RecentChanges("node-1", _ -> Duration.ofMinutes(10), () -> 1, System::nanoTime, new OneNode());
    UserHomes homes = new UserHomes(changes, new OneNode());
    List<String> paths = List.of("/file/x", "/loop/x", "/elsewhere/x", "/d/e/a", "/d/e/b");
    List<RecentChanges.Aged> told = new ArrayList<>();
    for (String path : paths) {
      told.add(new RecentChanges.Aged(new RecentChange(told.size() + 1, told.size() + 1, 0, "main", VirtualPath.parse(path),
          new RecentChange.Written(false, new RecentChange.Version(3, Instant.EPOCH), 0644), List.of()), Duration.ZERO));
    }
    changes.heard("node-2", new RecentChanges.Batch(new RecentChanges.Position(UUID.randomUUID(), told.size()), told));
    Files.createDirectories(storage.resolve("d/e")); // what is deeper is looked at later
    for (String name : List.of("file", "d/e/a", "d/e/b")) {
      Files.writeString(storage.resolve(name), "new");
      Files.setLastModifiedTime(storage.resolve(name), FileTime.from(Instant.EPOCH));
    }
    Files.createSymbolicLink(storage.resolve("loop"), Path.of("loop"));
    Files.createSymbolicLink(storage.resolve("elsewhere"), Path.of("/"));

    homes.lookForArrivals(config.view());

    List<String> coming = new ArrayList<>();
    for (String path : paths) {
      if (changes.isComing("main", VirtualPath.parse(path))) {
        coming.add(path);
      }
    }
    assertEquals(List.of("/file/x", "/loop/x", "/elsewhere/x"), coming);
  }

  private int entries(String directory) {
    return storage.resolve(directory).toFile().list().length;
  }
}
