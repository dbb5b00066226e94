package io.flotilla.ftp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/** Sends a file: RETR. */
final class Download extends DataTask {
  /** After so many bytes the transfer's account is brought up to date. */
  private static final int PART = 8 * 1024 * 1024;

  private final String name;
  private final OpenFile file;
  private final long offset;
  private final Encoding encoding;
  private final TransferBuffers buffers;
  private final Transfer account;

  /**
   * @param file closed with this task
   */
  Download(DataRoute route, Duration timeout, DataChannels channels, String name, OpenFile file, long offset,
      Encoding encoding, TransferBuffers buffers, Transfer account) {
    super(Optional.of(route), timeout, channels);
    this.name = name;
    this.file = file;
    this.offset = offset;
    this.encoding = encoding;
    this.buffers = buffers;
    this.account = account;
  }

  @Override
  String what() {
    return "Download of " + name;
  }

  @Override
  Reply work() throws IOException {
    ClientEvent.Outcome outcome = ClientEvent.Outcome.BROKEN;
    DataConnection data = null;
    try {
      data = connect();
      begin(data, "Sending " + name);
      if (encoding.isPlain() && data.takesFiles()) {
        sendFile(data);
      } else {
        sendEncoded(data);
      }
      data.endOutput();
      outcome = ClientEvent.Outcome.COMPLETED;
      return new Reply(226, "Transfer complete");
    } catch (VfsException e) {
      outcome = ClientEvent.Outcome.FAILED;
      throw e;
    } finally {
      if (outcome != ClientEvent.Outcome.COMPLETED && data != null) {
        data.reset();
      }
      file.abandon();
      account.ended(outcome);
    }
  }

  private void sendFile(DataConnection data) throws IOException {
    ByteBuffer buffer = buffers.take();
    try {
      long position = offset;
      long sent = data.send(file, position, account.part(PART), buffer);
      while (sent > 0) {
        pause(account.moved(position, sent));
        position += sent;
        sent = data.send(file, position, account.part(PART), buffer);
      }
    } finally {
      buffers.give(buffer);
    }
  }

  private void sendEncoded(DataConnection data) throws IOException {
    ByteBuffer buffer = buffers.take();
    try (EncodedOutput out = new EncodedOutput(data, encoding, buffers)) {
      long position = offset;
      while (file.read(buffer.clear().limit(account.part(buffer.capacity())), position) >= 0) {
        int count = buffer.flip().remaining();
        out.write(buffer);
        pause(account.moved(position, count));
        position += count;
      }
      out.finish();
    } finally {
      buffers.give(buffer);
    }
  }
}
