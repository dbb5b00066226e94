package io.flotilla.ftp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.adapter.TransferLog;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Optional;

/**
 * Receives a file: STOR, APPE, STOU. Only the closed file is published, and it is closed only when the client ended its
 * data in order and still stands behind it ({@link Client#standsBehind}); else it stays as it is, a new one as a partial.
 */
final class Upload extends DataTask {
  private static final int PERMISSIONS = 0666;
  private static final int UNIQUE_TRIES = 100;
  private static final SecureRandom RANDOM = new SecureRandom();

  /** The other end of the control connection. */
  interface Client {
    /** Whether the client outlived its data; blocks for a moment. The time is that of the data's end, as System.nanoTime. */
    boolean standsBehind(long dataEnded);
  }

  /**
   * What to do with the file.
   *
   * @param path if the mode is exclusive, the name that is wanted; if it is taken the file gets one like it
   * @param offset where the first byte goes, except in append mode; what was behind the last is then cut
   */
  record Plan(VirtualPath path, OpenMode mode, long offset) {}

  private final VirtualFileSystem files;
  private final Plan plan;
  private final Encoding encoding;
  private final TransferBuffers buffers;
  private final TransferLog transfers;
  private final Client client;
  private VirtualPath path;

  Upload(DataRoute route, Duration timeout, DataChannels channels, VirtualFileSystem files, Plan plan, Encoding encoding,
      TransferBuffers buffers, TransferLog transfers, Client client) {
    super(Optional.of(route), timeout, channels);
    this.files = files;
    this.plan = plan;
    this.encoding = encoding;
    this.buffers = buffers;
    this.transfers = transfers;
    this.client = client;
    this.path = plan.path();
  }

  static String random() {
    return HexFormat.of().toHexDigits(RANDOM.nextInt());
  }

  @Override
  String what() {
    return "Upload of " + plan.path();
  }

  /**
   * The file is opened only when data can come: a connection that doesn't come about must not cost a partial. TLS begins only
   * after the first reply, so there a file that can't be opened is told after it; but of STOU that reply tells the name, which has
   * to be the file's by then (RFC 1123, 4.1.2.9).
   */
  @Override
  Reply work() throws IOException {
    DataConnection data = connect();
    boolean isUnique = plan.mode().exclusive();
    boolean isBegun = data.isSecured() && !isUnique;
    if (isBegun) {
      begin(data, "Receiving " + path.name());
    }
    OpenFile file = isUnique ? openUnique() : files.open(path, plan.mode(), PERMISSIONS);
    Transfer account = transfers.began(path, ClientEvent.Direction.UPLOAD);
    ClientEvent.Outcome outcome = ClientEvent.Outcome.BROKEN;
    try {
      if (!isBegun) {
        begin(data, (isUnique ? "FILE: " : "Receiving ") + path.name());
      }
      long end = receive(data, file, account);
      long dataEnded = System.nanoTime();
      data.answerEnd();
      file.sync(); // the long part, before the last look at the client
      if (isEnding() || !client.standsBehind(dataEnded)) {
        throw new IOException("the client is gone");
      }
      if (plan.offset() > 0 && file.attributes().size() > end) {
        file.setAttributes(AttributeChange.size(end));
        file.sync();
      }
      file.close();
      outcome = ClientEvent.Outcome.COMPLETED;
      return new Reply(226, isUnique ? "Transfer complete (unique file name: " + path.name() + ")" : "Transfer complete");
    } catch (VfsException e) {
      outcome = ClientEvent.Outcome.FAILED;
      throw e;
    } finally {
      if (outcome != ClientEvent.Outcome.COMPLETED) {
        data.reset();
      }
      file.abandon();
      account.ended(outcome);
    }
  }

  /** Under the wanted name if it is free, else under one like it. Nobody has to see names for that. */
  private OpenFile openUnique() throws VfsException {
    for (int i = 0; i < UNIQUE_TRIES; i++) {
      try {
        return files.open(path, plan.mode(), PERMISSIONS);
      } catch (VfsException e) {
        if (e.error() != VfsError.EXISTS) {
          throw e;
        }
      }
      path = plan.path().parent().child(plan.path().name() + "." + random());
    }
    throw new VfsException(VfsError.EXISTS, plan.path());
  }

  private long receive(DataConnection data, OpenFile file, Transfer account) throws IOException {
    ByteBuffer buffer = buffers.take();
    try (EncodedInput in = new EncodedInput(data, encoding, buffers)) {
      long position = plan.mode().append() ? file.attributes().size() : plan.offset();
      while (in.read(buffer, account.part(buffer.capacity()))) {
        int count = buffer.remaining();
        file.write(buffer, position);
        pause(account.moved(position, count));
        position += count;
      }
      return position;
    } finally {
      buffers.give(buffer);
    }
  }
}
