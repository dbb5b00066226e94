import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** What a server takes with all its processes, as Linux tells it in /proc. */
record ProcessTree(ProcessHandle root) {
  private static final double TICKS_PER_SECOND = 100;
  private static final int USER_TICKS = 11;

  private List<ProcessHandle> processes() {
    return Stream.concat(Stream.of(root), root.descendants()).toList();
  }

  /** Seconds of processor time, of those that have ended too. */
  double cpuSeconds() {
    double ticks = 0;
    for (ProcessHandle process : processes()) {
      try {
        String stat = Files.readString(Path.of("/proc/" + process.pid() + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        for (int i = USER_TICKS; i < USER_TICKS + 4; i++) { // of its own and of its ended children, user and system
          ticks += Long.parseLong(fields[i]);
        }
      } catch (IOException e) {
        // It has just ended; its parent has its times now.
      }
    }
    return ticks / TICKS_PER_SECOND;
  }

  /** KiB of memory, shared pages counted in parts. */
  long memoryKib() {
    long sum = 0;
    for (ProcessHandle process : processes()) {
      try (Stream<String> lines = Files.lines(Path.of("/proc/" + process.pid() + "/smaps_rollup"))) {
        sum += lines.filter(line -> line.startsWith("Pss:")).mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum();
      } catch (IOException e) {
        // It has just ended.
      }
    }
    return sum;
  }
}
