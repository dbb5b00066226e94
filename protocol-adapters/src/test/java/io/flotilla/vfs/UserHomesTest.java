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
import java.time.Clock;
import java.time.Duration;
import java.util.List;
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

  private int entries(String directory) {
    return storage.resolve(directory).toFile().list().length;
  }
}
