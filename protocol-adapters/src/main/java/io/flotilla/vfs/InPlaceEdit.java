package io.flotilla.vfs;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;

/** An existing file that is changed as it is; closing it makes the changes durable first. */
final class InPlaceEdit extends FileLayer {
  InPlaceEdit(OpenFile file) {
    super(file);
  }

  @Override
  public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
    return file.transferTo(position, count, target);
  }

  @Override
  public void close() throws VfsException {
    try {
      file.sync();
    } finally {
      file.abandon();
    }
  }
}
