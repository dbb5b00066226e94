package io.flotilla.http.files;

import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.ExtraData;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.nio.ByteBuffer;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Copies whatever is at a path with all that is in it. Links are copied as links.
 *
 * @param keepsTimes whether the copy takes the place of what is copied, and so is as old
 */
record TreeCopy(UserRequest request, boolean keepsTimes) {
  private static final int BUFFER_BYTES = 256 * 1024;
  private static final int OWNER_ALL = 0700;
  /** What a broken upload left under the name is not gone on with. */
  private static final OpenMode NEW = new OpenMode(false, true, false, true, true, true);

  private VirtualFileSystem files() {
    return request.files();
  }

  /** To a path where nothing is. */
  void copy(VirtualPath from, FileAttributes entry, VirtualPath to) throws VfsException {
    copy(from, entry, to, 1);
  }

  private void copy(VirtualPath from, FileAttributes entry, VirtualPath to, int depth) throws VfsException {
    switch (entry.kind()) {
      case FILE -> copyFile(from, to, NEW);
      case SYMLINK -> files().makeSymlink(files().readSymlink(from), to);
      case DIRECTORY -> copyDirectory(from, entry, to, depth);
      case OTHER -> throw new VfsException(VfsError.UNSUPPORTED, from);
    }
  }

  private void copyDirectory(VirtualPath from, FileAttributes entry, VirtualPath to, int depth) throws VfsException {
    if (depth > TreeRemoval.MAX_DEPTH) {
      throw TreeRemoval.tooDeep();
    }
    makeDirectory(from, entry, to);
    try (DirectoryListing listing = files().list(from)) {
      for (DirectoryListing.Entry child = listing.next(); child != null; child = listing.next()) {
        request.checkIsWanted();
        copy(from.child(child.name()), child.attributes(), to.child(child.name()), depth + 1);
      }
    }
  }

  /** The directory by itself. */
  void makeDirectory(VirtualPath from, FileAttributes like, VirtualPath to) throws VfsException {
    files().makeDirectory(to, like.permissions() | OWNER_ALL); // else nothing could be put in it
    copyExtraData(from, to);
  }

  /**
   * What is kept beside the contents is the copy's too, and no longer what was kept beside a file that it replaced (RFC 4918, 9.8.2);
   * as far as the user may write it and the storage has room for it.
   */
  private void copyExtraData(VirtualPath from, VirtualPath to) throws VfsException {
    for (ExtraData name : ExtraData.values()) {
      try {
        byte[] data = files().extraData(from, name);
        if (data.length > 0 || files().extraData(to, name).length > 0) {
          files().setExtraData(to, name, data);
        }
      } catch (VfsException e) {
        switch (e.error()) {
          case PERMISSION_DENIED, NO_SPACE, QUOTA_EXCEEDED, UNSUPPORTED -> { }
          default -> throw e;
        }
      }
    }
  }

  /** In the place of a file, at once and only if all of it could be read and written. */
  void replaceFile(VirtualPath from, VirtualPath to) throws VfsException {
    copyFile(from, to, OpenMode.REPLACE);
  }

  private void copyFile(VirtualPath from, VirtualPath to, OpenMode mode) throws VfsException {
    OpenFile source = files().open(from, OpenMode.READ, 0);
    try {
      FileAttributes attributes = source.attributes();
      OpenFile target = files().open(to, mode, attributes.permissions());
      try {
        ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
        long position = 0;
        for (int count = source.read(buffer, position); count >= 0; count = source.read(buffer.clear(), position)) {
          request.checkIsWanted();
          target.write(buffer.flip(), position);
          position += count;
        }
        if (keepsTimes) {
          keepTime(attributes, target);
        }
        target.close();
        copyExtraData(from, to);
      } finally {
        target.abandon();
      }
    } finally {
      source.abandon();
    }
  }

  private static void keepTime(FileAttributes attributes, OpenFile target) throws VfsException {
    try {
      target.setAttributes(new AttributeChange(
          OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(attributes.modified())));
    } catch (VfsException e) {
      if (e.error() != VfsError.PERMISSION_DENIED) { // who may move may not be one who may set times
        throw e;
      }
    }
  }
}
