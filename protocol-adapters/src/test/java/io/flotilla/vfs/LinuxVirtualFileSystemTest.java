package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

@EnabledOnOs(OS.LINUX)
class LinuxVirtualFileSystemTest extends FileSystemContract {
  private static final int SWAPS = 3000;

  @BeforeAll
  static void theKernelHasOpenat2() {
    assertTrue(LinuxVirtualFileSystem.isSupported());
  }

  @Override
  VirtualFileSystem open(Path root) throws VfsException {
    return LinuxVirtualFileSystem.open(root, Links.FOLLOW);
  }

  /** What is removed while its name is judged isn't there when attributes are asked for, so they are asked for afterwards. */
  @Test
  void namesAreJudged_beforeAttributesAreAskedFor() throws IOException {
    Path dir = Files.createDirectory(root.resolve("named"));
    for (String name : Set.of("kept", "removed", "other")) {
      Files.createFile(dir.resolve(name));
    }
    try (LinuxVirtualFileSystem files = LinuxVirtualFileSystem.open(dir, Links.FOLLOW);
        DirectoryListing listing = files.list(VirtualPath.ROOT, name -> {
          if (name.equals("removed")) {
            assertTrue(dir.resolve(name).toFile().delete());
          }
          return !name.equals("other");
        })) {
      assertEquals("kept", listing.next().name());
      assertEquals(null, listing.next());
    }
  }

  @Test
  void directorySwappedForALinkOutside_nothingOutsideIsEverTouched() throws Exception {
    Path real = Files.createDirectory(root.resolve("d"));
    Path link = Files.createSymbolicLink(root.resolve("evil"), outside);
    AtomicBoolean done = new AtomicBoolean();
    Thread swapper = Thread.ofPlatform().start(() -> {
      Path aside = root.resolve("aside");
      try {
        for (int i = 0; i < SWAPS; i++) {
          Files.move(real, aside);
          Files.move(link, real, StandardCopyOption.ATOMIC_MOVE);
          Files.move(real, link, StandardCopyOption.ATOMIC_MOVE);
          Files.move(aside, real);
        }
      } catch (IOException e) {
        throw new IllegalStateException(e);
      } finally {
        done.set(true);
      }
    });
    int inside = 0;
    for (int i = 0; !done.get(); i++) {
      for (Attempt attempt : attempts(i)) {
        try {
          attempt.run();
          inside++;
        } catch (VfsException e) {
          assertTrue(Set.of(VfsError.NOT_FOUND, VfsError.EXISTS, VfsError.BUSY).contains(e.error()), e.getMessage());
        }
      }
    }
    swapper.join();
    assertTrue(inside > 0, "some writes must have gone through, or nothing was tested");
    try (Stream<Path> left = Files.list(outside)) {
      assertEquals(1, left.count(), "only the secret is there");
    }
    assertEquals("secret", Files.readString(outside.resolve("secret")));
  }

  private interface Attempt {
    void run() throws VfsException;
  }

  private Attempt[] attempts(int i) {
    String name = "/d/f" + i % 50;
    return new Attempt[] {
        () -> write(name, OpenMode.REPLACE, "x", 0),
        () -> files.makeDirectory(path("/d/dir" + i), 0755),
        () -> files.rename(path(name), path("/d/moved"), true),
        () -> files.removeFile(path("/d/secret")),
        () -> files.setAttributes(path("/d/secret"), AttributeChange.size(0), true)};
  }

  @Test
  void namesThatAreNotUtf8_roundTrip() throws IOException {
    byte[] bytes = {'/', 'c', 'a', 'f', (byte) 0xE9, (byte) 0xFF};
    files.open(VirtualPath.parse(bytes), OpenMode.CREATE_NEW, 0644).close();
    String listed = list("/").iterator().next();
    org.junit.jupiter.api.Assertions.assertArrayEquals(
        new byte[] {'c', 'a', 'f', (byte) 0xE9, (byte) 0xFF}, ByteNames.encode(listed));
    files.removeFile(path("/" + listed));
    assertEquals(Set.of(), list("/"));
  }

  @Test
  void pipes_areNotOpened() throws Exception {
    Process mkfifo = new ProcessBuilder("mkfifo", root.resolve("pipe").toString()).inheritIO().start();
    assertEquals(0, mkfifo.waitFor());
    assertError(VfsError.PERMISSION_DENIED, () -> files.open(path("/pipe"), OpenMode.READ, 0));
    assertError(VfsError.PERMISSION_DENIED, () -> files.open(path("/pipe"), OpenMode.EDIT, 0));
  }

  @Test
  void descriptors_areAllReleased() throws Exception {
    Runnable everything = () -> {
      try {
        write("/a", OpenMode.REPLACE, "x", 0);
        read("/a");
        list("/");
        files.stat(path("/a"));
        files.subtree(VirtualPath.ROOT).close();
        assertError(VfsError.NOT_FOUND, () -> files.open(path("/none"), OpenMode.READ, 0));
        assertError(VfsError.IS_A_DIRECTORY, () -> files.open(path("/"), OpenMode.READ, 0));
        files.rename(path("/a"), path("/b"), true);
      } catch (VfsException e) {
        throw new IllegalStateException(e);
      }
    };
    everything.run();
    long before = openDescriptors();
    for (int i = 0; i < 200; i++) {
      everything.run();
    }
    assertTrue(openDescriptors() - before < 50, "descriptors leak");
    assertFalse(Files.exists(root.resolve("a"), LinkOption.NOFOLLOW_LINKS));
  }

  private static long openDescriptors() throws IOException {
    try (Stream<Path> open = Files.list(Path.of("/proc/self/fd"))) {
      return open.count();
    }
  }
}
