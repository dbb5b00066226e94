package io.flotilla.vfs;

import io.flotilla.config.model.Storage;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Opens a user's home as a file system. The home is made if it is missing, but never the storage itself: an empty mount
 * point must not be mistaken for a storage (guarantee 8). A guarded storage is opened only with its marker file in it.
 */
public final class UserHomes {
  private static final int PERMISSIONS = 0755;

  private final ActiveUploads uploads;

  public UserHomes(ActiveUploads uploads) {
    this.uploads = uploads;
  }

  /** Blocks on the storage. The message of a failure is for the operator's log, not for the client. */
  public VirtualFileSystem open(ConfigView view, User user) throws VfsException {
    String storage = user.home().storage();
    Path directory = view.storagePath(storage).orElseThrow(() -> new VfsException(VfsError.NOT_FOUND,
        view.storage(storage).map(unknown -> "this release does not know the type " + unknown.type() + " of storage '" + storage
                + "'; upgrade this node")
            .orElse("there is no storage '" + storage + "' in the configuration; create it or change the user's home")));
    Optional<String> guard = view.storage(storage).flatMap(Storage::guard);
    try (VirtualFileSystem files = openStorage(storage, directory, guard)) {
      VirtualPath home = homeOf(user);
      VirtualPath made = VirtualPath.ROOT;
      for (String name : home.names()) {
        made = made.child(name);
        try {
          files.makeDirectory(made, PERMISSIONS);
        } catch (VfsException e) {
          if (e.error() != VfsError.EXISTS) {
            throw new VfsException(e.error(), "the home " + home + " can't be made in storage '" + storage + "' ("
                + directory + "): " + e.getMessage());
          }
        }
      }
      // Another node must not write to the same partial, so the owner is the user on this node.
      return new PublishingFileSystem(files.subtree(home), user.name() + "\n" + view.node().id(), uploads);
    }
  }

  private static VirtualFileSystem openStorage(String storage, Path directory, Optional<String> guard) throws VfsException {
    VirtualFileSystem files;
    try {
      files = VirtualFileSystem.open(directory);
    } catch (VfsException e) {
      throw new VfsException(e.error(), "the directory " + directory + " of storage '" + storage
          + "' can't be opened on this node (" + e.error().words() + "); create or mount it, or correct its path");
    }
    if (guard.isEmpty()) {
      return files;
    }
    try {
      return GuardedFileSystem.atRoot(files, StorageGuard.of(storage, directory, guard.get(), files));
    } catch (VfsException e) {
      files.close();
      throw e;
    }
  }

  /** The user's name is one name in the path, whatever it holds. */
  private static VirtualPath homeOf(User user) throws VfsException {
    VirtualPath home = VirtualPath.ROOT;
    for (String name : VirtualPath.parse(user.home().path()).names()) {
      home = home.child(name.replace("${user}", user.name()));
    }
    return home;
  }
}
