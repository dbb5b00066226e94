package io.flotilla.vfs;

import java.io.Closeable;
import java.nio.ByteBuffer;

/** An open file. Used by one thread at a time. Every method throws {@link VfsException} on failure. */
public interface OpenFile extends Closeable {
  /** Reads at a position (0 or more) and returns the number of bytes, or -1 at the end of the file. */
  int read(ByteBuffer target, long position) throws VfsException;

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
