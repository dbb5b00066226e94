package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Archives are read by Java from both ends, and by unzip and Python where they are installed. */
class ZipWriterTest {
  private static final Instant TIME = Instant.parse("2026-11-01T12:00:01Z");
  private static final long FIVE_GIB = 5L << 30;

  @TempDir private Path directory;

  private interface Contents {
    void write(ZipWriter zip) throws IOException;
  }

  private Path write(Contents contents) throws IOException {
    Path file = directory.resolve("a.zip");
    try (ZipWriter zip = new ZipWriter(); OutputStream out = Files.newOutputStream(file)) {
      contents.write(zip);
      while (!zip.isComplete()) {
        zip.end();
        out.write(zip.take().toArray());
      }
      assertEquals(0, zip.available());
    }
    return file;
  }

  private static void file(ZipWriter zip, String name, byte[] data, long size) throws IOException {
    zip.beginFile(name, TIME, 0755, size);
    zip.write(data, data.length);
    zip.endFile();
  }

  private static boolean has(String... command) throws Exception {
    try {
      Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
      process.getInputStream().readAllBytes();
      return process.waitFor(60, TimeUnit.SECONDS);
    } catch (IOException e) {
      return false;
    }
  }

  private static void assertOthersRead(Path file) throws Exception {
    if (has("unzip", "-v")) {
      assertSucceeds("unzip", "-tqq", file.toString());
    }
    if (has("python3", "--version")) {
      assertSucceeds("python3", "-c", "import sys, zipfile; sys.exit(zipfile.ZipFile(sys.argv[1]).testzip() is not None)",
          file.toString());
    }
  }

  private static void assertSucceeds(String... command) throws Exception {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertEquals(0, process.waitFor(), () -> command[0] + " says: " + output);
  }

  @Test
  void entries_areReadFromBothEnds() throws Exception {
    byte[] data = new byte[100_000];
    new Random(1).nextBytes(data);
    Path file = write(zip -> {
      zip.directory("d\u00e4", TIME);
      file(zip, "d\u00e4/a", data, data.length);
      file(zip, "empty", new byte[0], 0);
    });
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(Files.readAllBytes(file)))) {
      ZipEntry sub = in.getNextEntry();
      assertEquals("d\u00e4/", sub.getName());
      assertTrue(sub.isDirectory());
      ZipEntry first = in.getNextEntry();
      assertEquals("d\u00e4/a", first.getName());
      assertEquals(TIME, first.getLastModifiedTime().toInstant());
      assertArrayEquals(data, in.readAllBytes());
      assertEquals("empty", in.getNextEntry().getName());
      assertEquals(0, in.readAllBytes().length);
      assertEquals(null, in.getNextEntry());
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertEquals(data.length, zip.getEntry("d\u00e4/a").getSize());
    }
    assertOthersRead(file);
  }

  @Test
  void aFileThatMayBeLarge_hasSizesOf64Bits() throws Exception {
    Path file = write(zip -> {
      file(zip, "large", "not yet".getBytes(StandardCharsets.UTF_8), FIVE_GIB);
      file(zip, "small", "small".getBytes(StandardCharsets.UTF_8), 5);
    });
    try (ZipInputStream in = new ZipInputStream(new ByteArrayInputStream(Files.readAllBytes(file)))) {
      in.getNextEntry();
      assertEquals("not yet", new String(in.readAllBytes(), StandardCharsets.UTF_8));
      in.getNextEntry();
      assertEquals("small", new String(in.readAllBytes(), StandardCharsets.UTF_8));
    }
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertEquals(7, zip.getEntry("large").getSize());
    }
    assertOthersRead(file);
  }

  @Test
  void moreEntriesThan16BitsCount_areInADirectoryThatWasNotHeld() throws Exception {
    int count = 70_000;
    Path file = write(zip -> {
      for (int i = 0; i < count; i++) {
        zip.directory("d" + i, TIME);
        zip.spool();
      }
    });
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertEquals(count, zip.size());
      assertEquals("d69999/", zip.getEntry("d69999/").getName());
    }
    assertOthersRead(file);
  }

  @Test
  void timesThatTheFormatLacks_areTheNearest() throws Exception {
    Path file = write(zip -> {
      zip.directory("old", Instant.parse("1969-01-01T00:00:00Z"));
      zip.directory("ancient", Instant.MIN.plusSeconds(1_000_000));
      zip.directory("late", Instant.parse("+20000-01-01T00:00:00Z"));
    });
    try (ZipFile zip = new ZipFile(file.toFile())) {
      assertEquals(Instant.parse("1969-01-01T00:00:00Z"), zip.getEntry("old/").getLastModifiedTime().toInstant());
      assertEquals(2107, zip.getEntry("late/").getTimeLocal().getYear());
    }
    assertOthersRead(file);
  }

  @Test
  void aFileThatGrowsBeyondWhatWasSaid_isNoEntry() throws IOException {
    byte[] data = new byte[32 * 1024];
    try (ZipWriter zip = new ZipWriter()) {
      zip.beginFile("a", TIME, 0, 1);
      assertThrows(IOException.class, () -> {
        for (long written = 0; written < FIVE_GIB; written += data.length) {
          zip.write(data, data.length);
          if (zip.available() > 1 << 20) {
            zip.take();
          }
        }
      });
      assertFalse(zip.isComplete());
    }
  }
}
