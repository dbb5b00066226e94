package io.flotilla.vfs;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.FileStore;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.BasicFileAttributeView;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Iterator;
import java.util.Set;

/**
 * The file system where the kernel can't keep paths in a root: each path is walked here, link by link, and then used. It
 * is weaker than {@link LinuxVirtualFileSystem}: who can change directories at that very moment can slip a link in
 * between the walk and the use, and a file whose name isn't valid UTF-8 can't be reached.
 */
final class CheckedVirtualFileSystem implements VirtualFileSystem {
  private static final int MAX_LINKS = 40;

  private final Path root;
  private final Links links;

  private CheckedVirtualFileSystem(Path root, Links links) {
    this.root = root;
    this.links = links;
  }

  static CheckedVirtualFileSystem open(Path root, Links links) throws VfsException {
    try {
      if (!Files.isDirectory(root)) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, VirtualPath.ROOT);
      }
      return new CheckedVirtualFileSystem(root.toRealPath(), links);
    } catch (IOException e) {
      throw VfsException.of(e, VirtualPath.ROOT);
    }
  }

  private interface Action<T> {
    T run() throws IOException;
  }

  private static <T> T run(VirtualPath path, Action<T> action) throws VfsException {
    try {
      return action.run();
    } catch (IOException e) {
      throw VfsException.of(e, path);
    } catch (InvalidPathException e) {
      throw new VfsException(VfsError.INVALID_NAME, path);
    } catch (UnsupportedOperationException e) {
      throw new VfsException(VfsError.UNSUPPORTED, path);
    }
  }

  @Override
  public FileAttributes stat(VirtualPath path) throws VfsException {
    return run(path, () -> attributes(walk(path, true)));
  }

  @Override
  public FileAttributes lstat(VirtualPath path) throws VfsException {
    return run(path, () -> attributes(walk(path, false)));
  }

  @Override
  public OpenFile open(VirtualPath path, OpenMode mode, int permissions) throws VfsException {
    return run(path, () -> {
      Path file = walk(path, !mode.exclusive());
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS)) {
        if (mode.create() && mode.exclusive()) {
          throw new VfsException(VfsError.EXISTS, path);
        }
        if (Files.isDirectory(file)) {
          throw new VfsException(VfsError.IS_A_DIRECTORY, path);
        }
        if (!Files.isRegularFile(file)) {
          throw new VfsException(VfsError.PERMISSION_DENIED, path);
        }
      } else if (mode.create() && Files.isSymbolicLink(walk(path, false))) {
        throw new VfsException(VfsError.NOT_FOUND, path);
      }
      Set<OpenOption> options = new HashSet<>(ChannelFile.options(mode));
      options.add(LinkOption.NOFOLLOW_LINKS);
      if (mode.create()) {
        options.add(mode.exclusive() ? StandardOpenOption.CREATE_NEW : StandardOpenOption.CREATE);
      }
      boolean isNew = Files.notExists(file, LinkOption.NOFOLLOW_LINKS);
      FileChannel channel = FileChannel.open(file, options);
      CheckedFile open = new CheckedFile(channel, path, mode, file);
      if (isNew && hasPosix()) {
        open.setAttributes(AttributeChange.permissions(permissions & ~022));
      }
      return open;
    });
  }

  @Override
  public DirectoryListing list(VirtualPath directory) throws VfsException {
    DirectoryStream<Path> stream = run(directory, () -> Files.newDirectoryStream(walk(directory, true)));
    return new CheckedListing(stream, stream.iterator(), directory);
  }

  @Override
  public void makeDirectory(VirtualPath path, int permissions) throws VfsException {
    run(path, () -> {
      Path directory = Files.createDirectory(walk(path, false));
      if (hasPosix()) {
        set(directory, path, AttributeChange.permissions(permissions & ~022));
      }
      return directory;
    });
  }

  @Override
  public void removeFile(VirtualPath path) throws VfsException {
    run(path, () -> {
      Path file = entry(path);
      if (Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        throw new VfsException(VfsError.IS_A_DIRECTORY, path);
      }
      Files.delete(file);
      return null;
    });
  }

  @Override
  public void removeDirectory(VirtualPath path) throws VfsException {
    run(path, () -> {
      Path file = entry(path);
      if (Files.exists(file, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS)) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
      }
      Files.delete(file);
      return null;
    });
  }

  @Override
  public void rename(VirtualPath from, VirtualPath to, boolean replace) throws VfsException {
    run(from, () -> {
      Path source = entry(from);
      Path target = entry(to);
      if (to.isWithin(from) && !to.equals(from)) {
        throw new VfsException(VfsError.UNSUPPORTED, from);
      }
      if (!Files.exists(source, LinkOption.NOFOLLOW_LINKS)) {
        throw new VfsException(VfsError.NOT_FOUND, from);
      }
      if (!replace && Files.exists(target, LinkOption.NOFOLLOW_LINKS)) {
        throw new VfsException(VfsError.EXISTS, to);
      }
      return Files.move(source, target, StandardCopyOption.ATOMIC_MOVE);
    });
  }

  @Override
  public void makeSymlink(String target, VirtualPath link) throws VfsException {
    LinuxVirtualFileSystem.targetBytes(target, link);
    run(link, () -> Files.createSymbolicLink(entry(link), root.getFileSystem().getPath(target)));
  }

  @Override
  public String readSymlink(VirtualPath link) throws VfsException {
    return run(link, () -> {
      Path file = walk(link, false);
      if (!Files.isSymbolicLink(file)) {
        throw Files.exists(file) ? new VfsException(VfsError.UNSUPPORTED, link, "it is not a symbolic link")
            : new VfsException(VfsError.NOT_FOUND, link);
      }
      return Files.readSymbolicLink(file).toString();
    });
  }

  @Override
  public void makeHardLink(VirtualPath existing, VirtualPath link) throws VfsException {
    run(existing, () -> Files.createLink(entry(link), entry(existing)));
  }

  @Override
  public void setAttributes(VirtualPath path, AttributeChange change, boolean followLinks) throws VfsException {
    run(path, () -> {
      set(walk(path, followLinks), path, change);
      return null;
    });
  }

  @Override
  public SpaceInfo space(VirtualPath path) throws VfsException {
    return run(path, () -> {
      FileStore store = Files.getFileStore(walk(path, true));
      long block = store.getBlockSize();
      return new SpaceInfo(block, block, store.getTotalSpace() / block, store.getUnallocatedSpace() / block,
          store.getUsableSpace() / block, 0, 0, 0, store.isReadOnly(), VirtualPath.MAX_NAME_BYTES);
    });
  }

  @Override
  public VirtualPath canonical(VirtualPath path) throws VfsException {
    return run(path, () -> {
      Path found = walk(path, true, Links.FOLLOW);
      if (!Files.exists(found, LinkOption.NOFOLLOW_LINKS)) {
        throw new NoSuchFileException(null);
      }
      VirtualPath result = VirtualPath.ROOT;
      for (Path name : root.relativize(found)) {
        result = name.toString().isEmpty() ? result : result.child(name.toString());
      }
      return result;
    });
  }

  @Override
  public void syncDirectory(VirtualPath directory) throws VfsException {
    run(directory, () -> {
      try (FileChannel channel = FileChannel.open(walk(directory, true), StandardOpenOption.READ)) {
        channel.force(true);
      } catch (FileSystemException e) {
        // Windows can't open a directory; there the rename itself is journalled.
        if (!System.getProperty("os.name").startsWith("Windows")) {
          throw e;
        }
      }
      return null;
    });
  }

  @Override
  public VirtualFileSystem subtree(VirtualPath directory) throws VfsException {
    return run(directory, () -> {
      Path path = walk(directory, true);
      if (!attributes(path).isDirectory()) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, directory);
      }
      return new CheckedVirtualFileSystem(path, links);
    });
  }

  @Override
  public VirtualFileSystem staging(VirtualPath target, long room) throws VfsException {
    return StagingFileSystem.of(this, target);
  }

  @Override
  public void close() {
    // Nothing is held open.
  }

  private Path entry(VirtualPath path) throws IOException {
    if (path.isRoot()) {
      throw new VfsException(VfsError.PERMISSION_DENIED, path);
    }
    return walk(path, false);
  }

  /** Resolves every link on the way as beneath the root, the last one only if told to. */
  private Path walk(VirtualPath path, boolean followLast) throws IOException {
    return walk(path, followLast, links);
  }

  private Path walk(VirtualPath path, boolean followLast, Links how) throws IOException {
    Deque<String> rest = new ArrayDeque<>(path.names());
    Path at = root;
    int followed = 0;
    while (!rest.isEmpty()) {
      String name = rest.removeFirst();
      if (name.isEmpty() || name.equals(".")) {
        continue;
      }
      if (name.equals("..")) {
        at = at.equals(root) ? root : at.getParent();
        continue;
      }
      Path next = at.resolve(name);
      if (Files.isSymbolicLink(next) && (followLast || !rest.isEmpty())) {
        if (how == Links.ONLY_CANONICAL || ++followed > MAX_LINKS) {
          throw new VfsException(VfsError.TOO_MANY_LINKS, path);
        }
        String target = Files.readSymbolicLink(next).toString();
        at = target.startsWith("/") ? root : at;
        Arrays.asList(target.split("/")).reversed().forEach(rest::addFirst);
        continue;
      }
      if (!rest.isEmpty() && Files.exists(next, LinkOption.NOFOLLOW_LINKS) && !Files.isDirectory(next)) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
      }
      at = next;
    }
    return at;
  }

  private boolean hasPosix() {
    return root.getFileSystem().supportedFileAttributeViews().contains("posix");
  }

  static FileAttributes attributes(Path file) throws IOException {
    boolean unix = file.getFileSystem().supportedFileAttributeViews().contains("unix");
    BasicFileAttributes basic = Files.readAttributes(file, BasicFileAttributes.class, LinkOption.NOFOLLOW_LINKS);
    FileAttributes.Kind kind = basic.isRegularFile() ? FileAttributes.Kind.FILE
        : basic.isDirectory() ? FileAttributes.Kind.DIRECTORY
        : basic.isSymbolicLink() ? FileAttributes.Kind.SYMLINK : FileAttributes.Kind.OTHER;
    int mode = kind == FileAttributes.Kind.DIRECTORY ? 0755 : 0644;
    long links = 1;
    FileTime changed = basic.lastModifiedTime();
    if (unix) {
      mode = (int) Files.getAttribute(file, "unix:mode", LinkOption.NOFOLLOW_LINKS) & 07777;
      links = (int) Files.getAttribute(file, "unix:nlink", LinkOption.NOFOLLOW_LINKS);
      changed = (FileTime) Files.getAttribute(file, "unix:ctime", LinkOption.NOFOLLOW_LINKS);
    }
    Object key = basic.fileKey() == null ? file.toRealPath() : basic.fileKey();
    return new FileAttributes(kind, basic.size(), mode, links,
        basic.lastAccessTime().toInstant(), basic.lastModifiedTime().toInstant(), changed.toInstant(), key);
  }

  static void set(Path file, VirtualPath path, AttributeChange change) throws IOException {
    FileAttributes old = attributes(file);
    if (change.size().isPresent()) {
      if (old.kind() != FileAttributes.Kind.FILE) {
        throw new VfsException(old.isDirectory() ? VfsError.IS_A_DIRECTORY : VfsError.UNSUPPORTED, path);
      }
      resize(file, change.size().getAsLong(), old.size());
    }
    if (change.permissions().isPresent()) {
      if (old.isSymlink()) {
        throw new VfsException(VfsError.UNSUPPORTED, path);
      }
      PosixFileAttributeView view = Files.getFileAttributeView(file, PosixFileAttributeView.class);
      if (view != null) {
        view.setPermissions(permissions(change.permissions().getAsInt()));
      }
    }
    if (change.hasTimes()) {
      Files.getFileAttributeView(file, BasicFileAttributeView.class, LinkOption.NOFOLLOW_LINKS).setTimes(
          change.modified().map(FileTime::from).orElse(null), change.accessed().map(FileTime::from).orElse(null), null);
    }
  }

  private static void resize(Path file, long size, long old) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE, LinkOption.NOFOLLOW_LINKS)) {
      if (size < old) {
        channel.truncate(size);
      } else if (size > old) {
        channel.write(java.nio.ByteBuffer.allocate(1), size - 1);
      }
    }
  }

  private static Set<PosixFilePermission> permissions(int bits) {
    PosixFilePermission[] byBit = PosixFilePermission.values(); // in the order of the bits, owner read first
    Set<PosixFilePermission> result = EnumSet.noneOf(PosixFilePermission.class);
    for (int i = 0; i < byBit.length; i++) {
      if ((bits & 0400 >> i) != 0) {
        result.add(byBit[i]);
      }
    }
    return result;
  }

  private static final class CheckedFile extends ChannelFile {
    private final Path file;

    CheckedFile(FileChannel channel, VirtualPath path, OpenMode mode, Path file) {
      super(channel, path, mode);
      this.file = file;
    }

    @Override
    public FileAttributes attributes() throws VfsException {
      return CheckedVirtualFileSystem.run(path(), () -> CheckedVirtualFileSystem.attributes(file));
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      CheckedVirtualFileSystem.run(path(), () -> {
        set(file, path(), change);
        return null;
      });
    }

    @Override
    protected void release() {
      // The channel is all there is.
    }
  }

  private record CheckedListing(DirectoryStream<Path> stream, Iterator<Path> entries, VirtualPath path)
      implements DirectoryListing {
    @Override
    public Entry next() throws VfsException {
      try {
        while (entries.hasNext()) {
          Path file = entries.next();
          try {
            return new Entry(file.getFileName().toString(), CheckedVirtualFileSystem.attributes(file));
          } catch (NoSuchFileException e) {
            continue; // removed meanwhile
          }
        }
        return null;
      } catch (DirectoryIteratorException e) {
        throw VfsException.of(e.getCause(), path);
      } catch (IOException e) {
        throw VfsException.of(e, path);
      }
    }

    @Override
    public void close() {
      try {
        stream.close();
      } catch (IOException e) {
        // Nothing was written, so nothing is lost.
      }
    }
  }
}
