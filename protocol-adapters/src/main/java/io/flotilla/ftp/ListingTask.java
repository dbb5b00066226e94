package io.flotilla.ftp;

import io.flotilla.transport.TransferBuffers;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;

/** Sends a listing over a data connection: LIST, NLST, MLSD. */
final class ListingTask extends DataTask {
  private final ListingLines lines;
  private final ListingLines.Subject subject;
  private final Encoding encoding;
  private final TransferBuffers buffers;

  /**
   * @param encoding lines end with CRLF in any case, so its ascii is not looked at
   */
  ListingTask(DataRoute route, Duration timeout, DataChannels channels, ListingLines lines, ListingLines.Subject subject,
      Encoding encoding, TransferBuffers buffers) {
    super(Optional.of(route), timeout, channels);
    this.lines = lines;
    this.subject = subject;
    this.encoding = new Encoding(false, encoding.deflate(), encoding.level());
    this.buffers = buffers;
  }

  @Override
  String what() {
    return "Listing";
  }

  @Override
  Reply work() throws IOException {
    ByteBuffer buffer = buffers.take();
    boolean complete = false;
    DataConnection data = null;
    try (subject) {
      data = connect();
      begin(data, "Here comes the listing");
      try (EncodedOutput out = new EncodedOutput(data, encoding, buffers)) {
        lines.write(subject, line -> {
          if (buffer.remaining() < line.length + 2) {
            out.write(buffer.flip());
            buffer.clear();
          }
          buffer.put(line).put((byte) '\r').put((byte) '\n');
        });
        out.write(buffer.flip());
        out.finish();
      }
      data.endOutput();
      complete = true;
      return new Reply(226, "Listing complete");
    } finally {
      if (!complete && data != null) {
        data.reset();
      }
      buffers.give(buffer);
    }
  }
}
