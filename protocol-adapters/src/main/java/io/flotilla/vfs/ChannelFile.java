package io.flotilla.vfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.OpenOption;
import java.nio.file.StandardOpenOption;
import java.util.HashSet;
import java.util.Set;

/** An open file whose contents go through a FileChannel. */
abstract class ChannelFile implements OpenFile {
  private final FileChannel channel;
  private final VirtualPath path;
  private final OpenMode mode;
  private boolean closed;

  ChannelFile(FileChannel channel, VirtualPath path, OpenMode mode) {
    this.channel = channel;
    this.path = path;
    this.mode = mode;
  }

  /** The JDK refuses reading and appending in one; then {@link #write} finds the end itself. */
  static Set<OpenOption> options(OpenMode mode) {
    Set<OpenOption> options = new HashSet<>();
    if (mode.read()) {
      options.add(StandardOpenOption.READ);
    }
    if (mode.write()) {
      options.add(mode.append() && !mode.read() ? StandardOpenOption.APPEND : StandardOpenOption.WRITE);
    }
    if (mode.truncate() && !mode.append()) {
      options.add(StandardOpenOption.TRUNCATE_EXISTING);
    }
    return options;
  }

  final VirtualPath path() {
    return path;
  }

  @Override
  public final int read(ByteBuffer target, long position) throws VfsException {
    if (!mode.read()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path, "it was opened for writing only");
    }
    try {
      return channel.read(target, position);
    } catch (IOException e) {
      throw VfsException.of(e, path);
    }
  }

  @Override
  public final long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    if (!mode.read()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path, "it was opened for writing only");
    }
    try {
      return channel.transferTo(position, count, target);
    } catch (IOException e) {
      // One exception stands for both sides; a read from the storage fails in few ways.
      String message = String.valueOf(e.getMessage());
      throw message.contains("Input/output") || message.contains("Stale") ? VfsException.of(e, path) : e;
    }
  }

  @Override
  public final void write(ByteBuffer source, long position) throws VfsException {
    if (!mode.write()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path, "it was opened for reading only");
    }
    if (position + source.remaining() < position) {
      throw new VfsException(VfsError.TOO_LARGE, path);
    }
    try {
      long at = mode.append() ? channel.size() : position;
      while (source.hasRemaining()) {
        at += mode.append() && !mode.read() ? channel.write(source) : channel.write(source, at);
      }
    } catch (IOException e) {
      throw VfsException.of(e, path);
    }
  }

  @Override
  public final void sync() throws VfsException {
    try {
      channel.force(true);
    } catch (IOException e) {
      throw VfsException.of(e, path);
    }
  }


  @Override
  public final void close() throws VfsException {
    if (closed) {
      return;
    }
    closed = true;
    try {
      channel.close();
    } catch (IOException e) {
      throw VfsException.of(e, path);
    } finally {
      release();
    }
  }

  @Override
  public final void abandon() {
    try {
      close();
    } catch (VfsException e) {
      // The client is gone: nobody is left to tell, and the file is released anyway.
    }
  }

  /** Releases what the subclass holds; called once. */
  protected abstract void release();
}
