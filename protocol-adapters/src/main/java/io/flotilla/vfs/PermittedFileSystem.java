package io.flotilla.vfs;

import io.flotilla.config.model.Permission;
import java.util.Set;

/**
 * Lets a user do what the permissions for the path allow, and nothing else, whatever the protocol. If they differ by path,
 * a path is made canonical first, links resolved, and what is judged is what is then used: the file systems beneath follow
 * no link ({@link Links#ONLY_CANONICAL}). Making, removing and renaming a name needs the permission in its directory; for
 * removing and renaming what has permissions of its own, these count as well. Directories can be looked at by whoever may
 * do anything in them, and an upload of one's own that broke by whoever may go on with it. Used by one thread at a time.
 */
final class PermittedFileSystem implements VirtualFileSystem {
  private final VirtualFileSystem files;
  private final PathRules rules;
  private final Links links;

  /**
   * @param files closed with this
   * @param links what the file systems beneath do; not FOLLOW if the rules differ by path
   */
  PermittedFileSystem(VirtualFileSystem files, PathRules rules, Links links) {
    if (links == Links.FOLLOW && !rules.areUniform()) {
      throw new IllegalArgumentException("a link would lead around the rules");
    }
    this.files = files;
    this.rules = rules;
    this.links = links;
  }

  /** What a path leads to, as far as it exists. */
  private VirtualPath target(VirtualPath path) throws VfsException {
    if (links == Links.FOLLOW) {
      return path;
    }
    try {
      return files.canonical(path);
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND) {
        throw e;
      }
      VirtualPath entry = entry(path);
      if (isLink(entry)) {
        throw e;
      }
      return entry;
    }
  }

  private boolean isLink(VirtualPath entry) throws VfsException {
    try {
      return files.lstat(entry).isSymlink();
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  /** The entry that a path names, which may be a link or not exist. */
  private VirtualPath entry(VirtualPath path) throws VfsException {
    return links == Links.FOLLOW || path.isRoot() ? path : files.canonical(path.parent()).child(path.name());
  }

  private boolean may(Permission permission, VirtualPath path) {
    return rules.at(path).contains(permission);
  }

  private void need(Permission permission, VirtualPath path) throws VfsException {
    if (!may(permission, path)) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
  }

  private void needForName(Permission permission, VirtualPath entry) throws VfsException {
    need(permission, entry.parent());
    need(permission, entry);
  }

  private FileAttributes visible(VirtualPath path, FileAttributes attributes) throws VfsException {
    Set<Permission> permissions = rules.at(path);
    boolean isVisible = permissions.contains(Permission.LIST)
        || attributes.isDirectory() && !permissions.isEmpty()
        || attributes.kind() == FileAttributes.Kind.FILE && permissions.contains(Permission.UPLOAD) && !isFinished(path);
    if (!isVisible) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
    return attributes;
  }

  /** Whether something is there must not be told by a different answer. */
  private VfsException absent(VirtualPath path, VfsException e) {
    return e.error() == VfsError.NOT_FOUND && !may(Permission.LIST, path) && !may(Permission.UPLOAD, path)
        ? new VfsException(VfsError.PERMISSION_DENIED, path) : e;
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    VirtualPath target = target(path);
    try {
      return visible(target, files.stat(target));
    } catch (VfsException e) {
      throw absent(target, e);
    }
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    VirtualPath entry = entry(path);
    try {
      return visible(entry, files.lstat(entry));
    } catch (VfsException e) {
      throw absent(entry, e);
    }
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    VirtualPath target = target(path);
    Set<Permission> granted = rules.at(target);
    if (mode.read()) {
      need(Permission.DOWNLOAD, target);
    }
    OpenMode allowed = mode.write() ? writing(target, mode, granted) : mode;
    OpenFile file = files.open(target, allowed, permissions);
    boolean mayResize = mode.write() && (granted.contains(Permission.OVERWRITE) || allowed.exclusive());
    return granted.containsAll(PermittedFile.NEEDED) ? file : new PermittedFile(file, target, mayResize, granted);
  }

  /** The mode with which no file is replaced or made, also if one comes or goes meanwhile, unless that is allowed. */
  private OpenMode writing(VirtualPath target, OpenMode mode, Set<Permission> granted) throws VfsException {
    boolean exists = isFinished(target);
    boolean onlyAppends = mode.append() && !mode.truncate();
    boolean mayChange = granted.contains(Permission.OVERWRITE) || onlyAppends && granted.contains(Permission.APPEND);
    boolean mayMake = granted.contains(Permission.UPLOAD);
    if (exists && mode.create() && mode.exclusive() && mayMake) {
      throw new VfsException(VfsError.EXISTS, target); // as told by what stat answers
    }
    if (exists ? !mayChange : !mayMake) {
      throw new VfsException(VfsError.PERMISSION_DENIED, target);
    }
    return new OpenMode(mode.read(), true, mode.append(), mode.create() && mayMake, mode.truncate(),
        mode.exclusive() || !mayChange, mode.replace() && granted.contains(Permission.OVERWRITE));
  }

  /** Whether there is a file, other than an upload of the user's own that broke. */
  private boolean isFinished(VirtualPath path) throws VfsException {
    try {
      files.canonical(path);
      return true;
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return false;
      }
      throw e;
    }
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    VirtualPath target = target(directory);
    need(Permission.LIST, target);
    return files.list(target);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    VirtualPath entry = entry(path);
    need(Permission.MKDIR, entry.parent());
    files.makeDirectory(entry, permissions);
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    VirtualPath entry = entry(path);
    needForName(Permission.DELETE, entry);
    files.removeFile(entry);
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    VirtualPath entry = entry(path);
    needForName(Permission.RMDIR, entry);
    files.removeDirectory(entry);
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    VirtualPath source = entry(from);
    VirtualPath target = entry(to);
    needForName(Permission.RENAME, source);
    needForName(Permission.RENAME, target);
    if (rules.differBeneath(source) || rules.differBeneath(target)) {
      // The files would come under other permissions than theirs.
      throw new VfsException(VfsError.PERMISSION_DENIED, source, "there are permissions of their own beneath it");
    }
    files.rename(source, target, replace && may(Permission.OVERWRITE, target));
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    VirtualPath entry = entry(link);
    needForName(Permission.SYMLINK, entry);
    files.makeSymlink(target, entry);
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    VirtualPath entry = entry(link);
    need(Permission.LIST, entry);
    return files.readSymlink(entry);
  }

  /** A second name must not allow more than the first. */
  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    VirtualPath source = entry(existing);
    VirtualPath entry = entry(link);
    needForName(Permission.SYMLINK, entry);
    if (!rules.at(source).containsAll(rules.at(entry))) {
      throw new VfsException(VfsError.PERMISSION_DENIED, source);
    }
    files.makeHardLink(source, entry);
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    VirtualPath target = followLinks ? target(path) : entry(path);
    PermittedFile.check(rules.at(target), change, target);
    if (change.size().isPresent()) {
      need(Permission.OVERWRITE, target);
    }
    files.setAttributes(target, change, followLinks);
  }

  @Override
  public byte[] extraData(VirtualPath path, ExtraData name) throws VfsException {
    VirtualPath target = target(path);
    need(Permission.LIST, target);
    return files.extraData(target, name);
  }

  /** Whoever may write a file anew may say something about it, and about a directory whoever may make one in its place. */
  @Override
  public void setExtraData(VirtualPath path, ExtraData name, byte[] data) throws VfsException {
    VirtualPath target = target(path);
    if (stat(target).isDirectory()) {
      need(Permission.MKDIR, target.parent());
    } else {
      need(Permission.OVERWRITE, target);
    }
    files.setExtraData(target, name, data);
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    VirtualPath target = target(path);
    if (rules.at(target).isEmpty()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, target);
    }
    return files.space(target);
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    VirtualPath target = target(path);
    stat(target);
    return links == Links.FOLLOW ? files.canonical(path) : target;
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    files.syncDirectory(target(directory));
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    VirtualPath target = target(directory);
    return new PermittedFileSystem(files.subtree(target), rules.beneath(target), links);
  }

  /**
   * The permission holds for this use; it is asked again for each. Who may upload may go on with, and end, an upload of their own whose name
   * has been taken meanwhile, and not replace what has taken it.
   */
  @Override
  public VirtualFileSystem staging(VirtualPath path, long room) throws VfsException {
    VirtualPath target = target(path);
    need(isFinished(target) && may(Permission.OVERWRITE, target) ? Permission.OVERWRITE : Permission.UPLOAD, target);
    return new StagingFileSystem(files.staging(target, room), target.name(), may(Permission.OVERWRITE, target));
  }

  @Override
  public void close() {
    files.close();
  }
}
