package io.flotilla.system;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** A clock of a node that differs from the others' by what a file says, while its monotonic clock goes on as it should. */
record FakeClock(Path library, Path file) {
  /** Nothing if libfaketime is not installed. */
  static Optional<FakeClock> at(Path file) throws IOException {
    try (Stream<Path> files = Files.find(Path.of("/usr/lib"), 3, (found, _) -> found.endsWith("faketime/libfaketime.so.1"))) {
      return files.findFirst().map(library -> new FakeClock(library, file));
    }
  }

  /** What stands before the command of the process that is to have it. */
  List<String> prefix() {
    return List.of("env", "LD_PRELOAD=" + library, "FAKETIME_CACHE_DURATION=1", "FAKETIME_FORCE_MONOTONIC_FIX=0",
        "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", "FAKETIME_TIMESTAMP_FILE=" + file);
  }

  /** @param offset such as +7h */
  void jump(String offset) throws IOException {
    Files.writeString(file, offset + "\n");
  }
}
