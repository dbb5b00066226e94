package io.flotilla.vfs;

import java.nio.ByteBuffer;

/**
 * An open file above another that does what the other does, but for what a subclass adds. Only for what protects nothing, as
 * {@link FileSystemLayer}. What is sent is read by {@link #read}, so that nothing a subclass does there is passed by; who does nothing
 * there passes {@link #transferTo} on.
 */
abstract class FileLayer implements OpenFile {
  final OpenFile file;

  /** @param file closed or abandoned with this */
  FileLayer(OpenFile file) {
    this.file = file;
  }

  @Override
  public int read(ByteBuffer target, long position) throws VfsException {
    return file.read(target, position);
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
    file.close();
  }

  @Override
  public void abandon() {
    file.abandon();
  }
}
