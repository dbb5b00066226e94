package io.flotilla.node.cluster;

import io.flotilla.http.admin.Journal;
import java.util.Optional;

/**
 * Tells that this voter's Raft log grows beyond its measure, which it does without a bound while another voter is away: once, and
 * again each time it has doubled. One thread.
 */
final class LogGrowth {
  static final String ADVICE = "a voter that is away keeps them from being cut, and they grow with each change until the disk is "
      + "full. Start that voter, replace it (flotilla voters replace), or take its vote away (flotilla voters remove)";

  private long toldBytes;

  /** @return what to tell now, if anything */
  Optional<String> observe(long logBytes, long snapshotBytes) {
    if (!Journal.isLargeLog(logBytes, snapshotBytes)) {
      toldBytes = 0;
      return Optional.empty();
    }
    if (logBytes < 2 * toldBytes) {
      return Optional.empty();
    }
    toldBytes = Math.max(logBytes, 1);
    return Optional.of("The Raft log of this voter takes " + mebibytes(logBytes) + ", far more than while all voters keep up: " + ADVICE);
  }

  static String mebibytes(long bytes) {
    return (bytes >> 20) + " MiB";
  }
}
