package io.flotilla.system;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.Random;

/** A file beyond the reach of 32 bits. It is mostly holes, so it needs little of the disk where it is made. */
final class LargeFile {
  static final long SIZE = 5L << 30;
  static final long BROKEN_AT = 4_900_000_000L;
  /** Where there is something else than zeros: at the ends, about 2 and 4 GiB, and about the place of a break. */
  private static final long[] PLACES = {0, (2L << 30) - 500, (4L << 30) - 500, BROKEN_AT - 500, SIZE - 1000};
  private static final int PLACE_SIZE = 1000;

  private LargeFile() {}

  /** The file as far as a size; the rest of it is missing. */
  static void write(Path path, long size) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      for (long place : PLACES) {
        file.seek(place);
        file.write(content(place));
      }
      file.setLength(size);
    }
  }

  private static byte[] content(long place) {
    byte[] content = new byte[PLACE_SIZE];
    new Random(place).nextBytes(content);
    return content;
  }

  static void assertWhole(Path path) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "r")) {
      assertEquals(SIZE, file.length());
      for (long place : PLACES) {
        byte[] actual = new byte[PLACE_SIZE];
        file.seek(place);
        file.readFully(actual);
        assertArrayEquals(content(place), actual, "at " + place);
      }
    }
  }
}
