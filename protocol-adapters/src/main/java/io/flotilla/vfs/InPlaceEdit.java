package io.flotilla.vfs;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;

/** An existing file that is changed as it is; closing it makes the changes durable first. */
record InPlaceEdit(OpenFile file) implements OpenFile {
  @Override
  public int read(ByteBuffer target, long position) throws VfsException {
    return file.read(target, position);
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    return file.transferTo(position, count, target);
  }

  @Override
  public void write(ByteBuffer source, long position) throws VfsException {
    file.write(source, position);
  }

  @Override
  public FileAttributes attributes() throws VfsException {
    return file.attributes();
  }

  @Override
  public void setAttributes(AttributeChange change) throws VfsException {
    file.setAttributes(change);
  }

  @Override
  public void sync() throws VfsException {
    file.sync();
  }

  @Override
  public void close() throws VfsException {
    try {
      file.sync();
    } finally {
      file.abandon();
    }
  }

  @Override
  public void abandon() {
    file.abandon();
  }
}
