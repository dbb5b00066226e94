package io.flotilla.vfs;

import io.flotilla.config.model.Storage;
import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import io.flotilla.config.view.ConfigView;
import io.flotilla.config.view.UserAccess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Opens what a user has as one file system. The home is made if it is missing, but never the storage itself: an empty mount
 * point must not be mistaken for a storage (guarantee 8). A guarded storage is opened only with its marker file in it.
 */
public final class UserHomes {
  private static final Logger log = LoggerFactory.getLogger(UserHomes.class);
  private static final int PERMISSIONS = 0755;
  private static final Duration FIRST_SCAN = Duration.ofSeconds(2);

  private final ActiveUploads uploads;

  public UserHomes(ActiveUploads uploads) {
    this.uploads = uploads;
  }

  /**
   * All that a user has under a configuration: the home, the folders mounted in it, and their permissions. Blocks on the
   * storages. A folder whose storage is not available is shown and can't be used. The message of a failure is for the
   * operator's log, not for the client.
   */
  public VirtualFileSystem open(ConfigView view, User user) throws VfsException {
    UserAccess access = view.access(user);
    PathRules rules = PathRules.of(access.permissions());
    Links links = rules.areUniform() || rules.permitEverything() ? Links.FOLLOW : Links.ONLY_CANONICAL;
    Map<VirtualPath, UserAccess.Mount> places = new HashMap<>();
    for (UserAccess.Mount mount : access.mounts()) {
      places.put(VirtualPath.parse(mount.at()), mount);
    }
    VirtualFileSystem files = openPlace(view, user, access.home(), "the home", links);
    UserSettings.Quota quota = user.settings().limits().quota();
    if (quota.isSet()) {
      Usage.Source source = () -> openTree(view, user, access.home(), "the home", Links.FOLLOW);
      files = new QuotaFileSystem(files, usage(view, user, access.home(), source), quota, source);
    }
    if (!places.isEmpty()) {
      Map<VirtualPath, MountedFileSystem.Mounted> mounts = new HashMap<>();
      places.forEach((at, mount) -> mounts.put(at, openMount(view, user, mount, links)));
      files = new MountedFileSystem(files, mounts);
    }
    return rules.permitEverything() ? files : new PermittedFileSystem(files, rules, links);
  }

  /** Waits a moment for the first scan; what is not counted by then does not hold the login up. */
  private Usage usage(ConfigView view, User user, UserAccess.Place home, Usage.Source source) {
    Optional<Path> directory = view.storagePath(home.storage());
    Usage usage = uploads.usage(List.of(directory, home.path().replace("${user}", user.name())));
    usage.refresh(source);
    usage.awaitFirst(FIRST_SCAN);
    return usage;
  }

  private MountedFileSystem.Mounted openMount(ConfigView view, User user, UserAccess.Mount mount, Links links) {
    try {
      return new MountedFileSystem.Mounted.Open(openPlace(view, user, mount.place(), "the folder", links));
    } catch (VfsException e) {
      log.error("User {} has to do without the folder at {}: {}", user.name(), mount.at(), e.getMessage());
      return new MountedFileSystem.Mounted.Unavailable();
    }
  }

  private VirtualFileSystem openPlace(ConfigView view, User user, UserAccess.Place place, String what, Links links)
      throws VfsException {
    // Another node must not write to the same partial, so the owner is the user on this node.
    return new PublishingFileSystem(
        openTree(view, user, place, what, links), links, user.name() + "\n" + view.node().id(), uploads);
  }

  /** @param what the place is, for messages */
  private static VirtualFileSystem openTree(ConfigView view, User user, UserAccess.Place place, String what, Links links)
      throws VfsException {
    String storage = place.storage();
    Path directory = view.storagePath(storage).orElseThrow(() -> new VfsException(VfsError.NOT_FOUND,
        view.storage(storage).map(unknown -> "this release does not know the type " + unknown.type() + " of storage '" + storage
                + "'; upgrade this node")
            .orElse("there is no storage '" + storage + "' in the configuration; create it or change " + what)));
    Optional<String> guard = view.storage(storage).flatMap(Storage::guard);
    try (VirtualFileSystem files = openStorage(storage, directory, guard, links)) {
      VirtualPath made = VirtualPath.ROOT;
      for (String name : VirtualPath.parse(place.path()).names()) {
        // The user's name is one name in the path, whatever it holds.
        made = make(files, made.child(name.replace("${user}", user.name())), what, "storage '" + storage + "' (" + directory + ")");
      }
      return files.subtree(made);
    }
  }

  private static VirtualPath make(VirtualFileSystem files, VirtualPath path, String what, String where) throws VfsException {
    try {
      files.makeDirectory(path, PERMISSIONS);
    } catch (VfsException e) {
      if (e.error() != VfsError.EXISTS) {
        throw new VfsException(e.error(), what + " can't be made in " + where + ": " + e.getMessage());
      }
    }
    return files.canonical(path); // an operator may have put a link there
  }

  private static VirtualFileSystem openStorage(String storage, Path directory, Optional<String> guard, Links links)
      throws VfsException {
    VirtualFileSystem files;
    try {
      files = VirtualFileSystem.open(directory, links);
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

}
