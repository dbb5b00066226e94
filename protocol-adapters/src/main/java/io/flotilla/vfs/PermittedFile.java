package io.flotilla.vfs;

import io.flotilla.config.model.Permission;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.Set;

/** An open file whose attributes are changed only as far as the user's permissions go. */
record PermittedFile(OpenFile file, VirtualPath path, boolean mayResize, Set<Permission> granted) implements OpenFile {
  /** Whoever has these needs no such file. */
  static final Set<Permission> NEEDED = Set.of(Permission.OVERWRITE, Permission.CHMOD, Permission.CHTIMES);

  /** Whether mode and times may be changed. */
  static void check(Set<Permission> granted, AttributeChange change, VirtualPath path) throws VfsException {
    if (change.permissions().isPresent() && !granted.contains(Permission.CHMOD)
        || change.hasTimes() && !granted.contains(Permission.CHTIMES)) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
  }

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
    check(granted, change, path);
    if (change.size().isPresent() && !mayResize) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
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
