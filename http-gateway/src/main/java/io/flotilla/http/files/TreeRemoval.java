package io.flotilla.http.files;

import io.flotilla.http.RefusedException;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;

/** Removes whatever is at a path with all that is in it. Links are removed, not followed. */
record TreeRemoval(UserRequest request) {
  /** Of directories in each other; each holds an open listing. */
  static final int MAX_DEPTH = 100;
  /** A storage may leave entries out while others are removed, and others may make new ones. */
  private static final int MAX_PASSES = 10;

  private VirtualFileSystem files() {
    return request.files();
  }

  void remove(VirtualPath path, FileAttributes entry) throws VfsException {
    if (entry.isDirectory()) {
      removeDirectory(path, 1);
    } else {
      files().removeFile(path);
    }
  }

  static RefusedException tooDeep() {
    return RefusedException.conflict("there are more than " + MAX_DEPTH + " directories in each other");
  }

  /** What can't be removed in any case, such as the place of a mounted folder, is not emptied either. */
  private void removeDirectory(VirtualPath path, int depth) throws VfsException {
    if (depth > MAX_DEPTH) {
      throw tooDeep();
    }
    for (int pass = 0; !isRemoved(path); pass++) {
      if (pass == MAX_PASSES || !empty(path, depth)) {
        throw new VfsException(VfsError.NOT_EMPTY, path);
      }
    }
  }

  private boolean isRemoved(VirtualPath path) throws VfsException {
    try {
      files().removeDirectory(path);
      return true;
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND -> true; // others remove it too
        case NOT_EMPTY -> false;
        default -> throw e;
      };
    }
  }

  /** Whether there was anything to remove. */
  private boolean empty(VirtualPath directory, int depth) throws VfsException {
    boolean isAny = false;
    try (DirectoryListing listing = files().list(directory)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        request.checkIsWanted();
        isAny = true;
        VirtualPath path = directory.child(entry.name());
        if (entry.attributes().isDirectory()) {
          removeDirectory(path, depth + 1);
        } else {
          removeFile(path);
        }
      }
    }
    return isAny;
  }

  private void removeFile(VirtualPath path) throws VfsException {
    try {
      files().removeFile(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
    }
  }
}
