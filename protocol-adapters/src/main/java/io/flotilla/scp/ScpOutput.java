package io.flotilla.scp;

import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.IOException;

/** Where bytes for the client go. Blocks while it takes no more; throws IOException when the channel is gone. */
public interface ScpOutput {
  void send(byte[] bytes, int length) throws IOException;

  /** Waits as long as the user's speed demands, in nanoseconds. */
  void pause(long nanoseconds) throws IOException;

  /**
   * Reads from a file and sends what it got, without the data passing through a buffer of the caller.
   *
   * @param length at most this many bytes, 1 or more
   * @return the number of bytes sent; -1 if the file has none at the offset
   * @throws VfsException if the file could not be read; then nothing was sent
   * @throws IOException of another kind if the channel is gone
   */
  int sendData(OpenFile file, long offset, int length) throws IOException;
}
