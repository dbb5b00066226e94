package io.flotilla.sftp;

import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.IOException;

/** Where replies go. Blocks while the client takes no more; throws IOException when the channel is gone. */
interface SftpOutput {
  void send(byte[] packet, int length) throws IOException;

  /**
   * Reads from a file and sends the reply to READ, without the data passing through a buffer of the caller.
   *
   * @param length at most this many bytes, 1 to {@link Sftp#MAX_DATA}
   * @return the number of bytes sent; -1 if the file has none at the offset, and then nothing was sent
   * @throws ReadFailed if the file could not be read; then nothing was sent
   */
  int sendData(int id, OpenFile file, long offset, int length) throws IOException, ReadFailed;

  /** Called during long work, so that the client doesn't count as idle; throws IOException when the channel is gone. */
  void stillWorking() throws IOException;

  /** Waits as long as the user's speed demands; throws IOException when the channel is gone meanwhile. */
  void pause(long nanoseconds) throws IOException;

  /** Tells a failing file from a failing channel. */
  final class ReadFailed extends Exception {
    ReadFailed(VfsException cause) {
      super(cause);
    }

    @Override
    public synchronized VfsException getCause() {
      return (VfsException) super.getCause();
    }
  }
}
