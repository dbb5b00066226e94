package io.flotilla.ftp;

import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/** Computes a hash over a part of a file: HASH, XCRC and their kin. */
final class ChecksumTask extends DataTask {
  private final OpenFile file;
  private final String name;
  private final HashAlgorithm algorithm;
  private final long start;
  private final long end;
  private final boolean isHash;
  private final TransferBuffers buffers;

  /**
   * @param file closed with this task
   * @param end the first byte that doesn't count
   * @param isHash whether to answer as HASH does, or as XCRC
   */
  ChecksumTask(OpenFile file, String name, HashAlgorithm algorithm, long start, long end, boolean isHash,
      TransferBuffers buffers) {
    super(Optional.empty(), Duration.ZERO, null);
    this.file = file;
    this.name = name;
    this.algorithm = algorithm;
    this.start = start;
    this.end = end;
    this.isHash = isHash;
    this.buffers = buffers;
  }

  @Override
  String what() {
    return algorithm.word() + " of " + name;
  }

  @Override
  Reply work() throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      HashAlgorithm.Computation computation = algorithm.begin();
      long position = start;
      while (position < end) {
        if (isEnding()) {
          return new Reply(426, "Aborted");
        }
        buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
        int count = file.read(buffer, position);
        if (count < 0) {
          throw new VfsException(VfsError.IO, name + ": the file has become shorter");
        }
        computation.update(buffer.flip());
        position += count;
        Thread.yield(); // nothing else here lets go of the processor, which all sessions share
      }
      String result = computation.result();
      return isHash
          ? new Reply(213, algorithm.word() + " " + start + "-" + Math.max(start, end - 1) + " " + result + " " + name)
          : new Reply(250, result.toUpperCase(java.util.Locale.ROOT));
    } finally {
      buffers.give(buffer);
      file.abandon();
    }
  }
}
