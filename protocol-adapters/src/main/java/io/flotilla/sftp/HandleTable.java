package io.flotilla.sftp;

import io.flotilla.adapter.Transfer;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** What a channel has open, at most {@link Sftp#MAX_HANDLES}. Numbers are never used twice. Used by one thread. */
final class HandleTable {
  private final Map<Integer, Handle> handles = new HashMap<>();
  private int last;

  sealed interface Handle permits FileHandle, DirectoryHandle {
    VirtualPath path();
  }

  /** An open file and the account of its transfer. */
  record FileHandle(VirtualPath path, OpenFile file, Transfer transfer) implements Handle {}

  /** An open directory. */
  record DirectoryHandle(VirtualPath path, DirectoryListing listing) implements Handle {}

  void checkRoom() throws VfsException {
    if (handles.size() >= Sftp.MAX_HANDLES) {
      throw new VfsException(VfsError.TOO_MANY_OPEN_FILES,
          "the session has " + Sftp.MAX_HANDLES + " files and directories open, and no more are allowed");
    }
  }

  int add(Handle handle) {
    int number = ++last & Integer.MAX_VALUE;
    handles.put(number, handle);
    return number;
  }

  /** Null if there is none. */
  Handle get(int number) {
    return handles.get(number);
  }

  FileHandle file(int number) throws VfsException {
    if (handles.get(number) instanceof FileHandle file) {
      return file;
    }
    throw noHandle();
  }

  DirectoryHandle directory(int number) throws VfsException {
    if (handles.get(number) instanceof DirectoryHandle directory) {
      return directory;
    }
    throw noHandle();
  }

  Handle remove(int number) throws VfsException {
    Handle handle = handles.remove(number);
    if (handle == null) {
      throw noHandle();
    }
    return handle;
  }

  /** Empties the table and returns what was in it. */
  List<Handle> clear() {
    List<Handle> all = new ArrayList<>(handles.values());
    handles.clear();
    return all;
  }

  private static VfsException noHandle() {
    return new VfsException(VfsError.IO, "there is no such handle");
  }
}
