package io.flotilla.http.dav;

import io.flotilla.config.model.Permission;
import io.flotilla.config.view.UserAccess;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** Where the paths of a request's user are in the storages. Used by one thread. */
final class UserPlaces {
  private final VirtualFileSystem files;
  private final UserAccess access;
  private final Map<VirtualPath, Root> roots = new HashMap<>();

  /** @param names from the storage's root to what the user has there */
  private record Root(VirtualPath at, String storage, List<String> names) {}

  /**
   * A path that stands for one place only.
   *
   * @param path of the user, links resolved
   * @param isThere whether there is something
   */
  record Located(VirtualPath path, LockPlace place, boolean isThere) {}

  UserPlaces(UserRequest request) throws VfsException {
    this.files = request.files();
    this.access = request.login().access();
    String user = request.login().user().name();
    roots.put(VirtualPath.ROOT, root(VirtualPath.ROOT, access.home(), user));
    for (UserAccess.Mount mount : access.mounts()) {
      VirtualPath at = VirtualPath.parse(mount.at());
      roots.put(at, root(at, mount.place(), user));
    }
  }

  /** The user's name is one name in the path, whatever it holds. */
  private static Root root(VirtualPath at, UserAccess.Place place, String user) throws VfsException {
    return new Root(at, place.storage(),
        VirtualPath.parse(place.path()).names().stream().map(name -> name.replace("${user}", user)).toList());
  }

  private Root root(VirtualPath path) {
    for (VirtualPath at = path; ; at = at.parent()) {
      Root root = roots.get(at);
      if (root != null) {
        return root;
      }
    }
  }

  /** @param path without links in it */
  LockPlace place(VirtualPath path) {
    Root root = root(path);
    List<String> names = new ArrayList<>(root.names());
    names.addAll(path.names().subList(root.at().names().size(), path.names().size()));
    return LockPlace.of(root.storage(), names);
  }

  /** What a path leads to, or where it would be made; nothing if there is no directory for it. */
  Optional<Located> target(VirtualPath path) throws VfsException {
    try {
      VirtualPath found = files.canonical(path);
      return Optional.of(new Located(found, place(found), true));
    } catch (VfsException e) {
      return switch (e.error()) {
        // Who may put a file there may not be one who may see whether there is one.
        case NOT_FOUND, PERMISSION_DENIED -> entry(path, false);
        default -> throw e;
      };
    }
  }

  /** The entry itself, even if it is a link. */
  Optional<Located> entry(VirtualPath path) throws VfsException {
    try {
      files.lstat(path);
      return entry(path, true);
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND, PERMISSION_DENIED -> entry(path, false);
        default -> throw e;
      };
    }
  }

  private Optional<Located> entry(VirtualPath path, boolean isThere) throws VfsException {
    try {
      VirtualPath found = path.isRoot() ? path : files.canonical(path.parent()).child(path.name());
      return Optional.of(new Located(found, place(found), isThere));
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND || e.error() == VfsError.NOT_A_DIRECTORY) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /**
   * The root of a lock as the user knows it: as far as it is above what the user has, that.
   *
   * @param under without links in it, and under the lock
   */
  VirtualPath lockRoot(Lock lock, VirtualPath under) {
    Root root = root(under);
    int count = Math.max(root.at().names().size(), root.at().names().size() + lock.place().depth() - root.names().size());
    VirtualPath found = under;
    while (found.names().size() > count) {
      found = found.parent();
    }
    return found;
  }

  /** @param path without links in it */
  Set<Permission> permissions(VirtualPath path) {
    for (VirtualPath at = path; ; at = at.parent()) {
      Set<Permission> found = access.permissions().rules().get(at.toString());
      if (found != null || at.isRoot()) {
        return found == null ? Set.of() : found;
      }
    }
  }
}
