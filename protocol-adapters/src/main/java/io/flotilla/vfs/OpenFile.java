package io.flotilla.vfs;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** An open file. Used by one thread at a time. Every method throws {@link VfsException} if the storage fails. */
public interface OpenFile extends Closeable {
  /** Of the buffer through which a file goes that has no shorter way. */
  int COPY_BYTES = 32 * 1024;

  /** Reads at a position (0 or more) and returns the number of bytes, or -1 at the end of the file. */
  int read(ByteBuffer target, long position) throws VfsException;

  /**
   * Sends at most a number of bytes (1 or more) from a position on to a channel, without a copy in this process where the
   * platform can, and returns how many went: 0 at the end of the file, or if the channel doesn't block and takes nothing.
   *
   * @throws VfsException if the storage failed
   * @throws IOException of another kind if the channel did
   */
  default long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    ByteBuffer buffer = ByteBuffer.allocate((int) Math.min(count, COPY_BYTES));
    return read(buffer, position) < 0 ? 0 : target.write(buffer.flip());
  }

  /** Writes all that remains in the buffer. */
  void write(ByteBuffer source, long position) throws VfsException;

  FileAttributes attributes() throws VfsException;

  void setAttributes(AttributeChange change) throws VfsException;

  /** Returns when contents and attributes are on disk. */
  void sync() throws VfsException;

  /** The client is done: what was written counts. If this throws, it doesn't. */
  @Override
  void close() throws VfsException;

  /** The client vanished: releases the file and publishes nothing. */
  void abandon();
}
