package io.flotilla.http.files;

import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/** A file or a directory is moved or copied: MOVE and COPY (RFC 4918, 9.8 and 9.9). */
final class Relocation {
  private final UserRequest request;
  private final VirtualFileSystem files;
  private final VirtualPath from;
  private final VirtualPath to;
  private final FileAttributes source;
  private final Optional<FileAttributes> replaced;
  private final boolean overwrites;
  private final boolean isDeep;

  private Relocation(UserRequest request, FileTarget origin, boolean isMove) throws VfsException {
    RequestHeaders headers = new RequestHeaders(request.http());
    FileTarget destination = Destination.of(headers.value("Destination")
        .orElseThrow(() -> RefusedException.malformed("the Destination is missing")), headers.value("Host"));
    this.request = request;
    this.files = request.files();
    this.from = origin.path();
    this.to = destination.path();
    this.overwrites = switch (headers.value("Overwrite").orElse("T").strip()) {
      case "T", "t" -> true;
      case "F", "f" -> false;
      default -> throw RefusedException.malformed("Overwrite must be T or F");
    };
    this.isDeep = isDeep(headers, isMove);
    if (isMove && from.isRoot()) {
      throw RefusedException.forbidden("the root can't be moved");
    }
    this.source = Published.entry(files, from).orElseThrow(() -> StorageProblem.of(new VfsException(VfsError.NOT_FOUND, from)));
    if (!source.isDirectory() && origin.isDirectory()) {
      throw RefusedException.conflict(from + " is not a directory, so its path does not end with a slash");
    }
    refuseWhatIsInEachOther();
    this.replaced = Published.entry(files, to);
    if (!source.isDirectory() && destination.isDirectory() && replaced.filter(FileAttributes::isDirectory).isEmpty()) {
      throw RefusedException.conflict(from + " is not a directory, so the destination ends with a slash only to replace one");
    }
    if (replaced.isPresent() && !overwrites) {
      throw taken();
    }
  }

  private static boolean isDeep(RequestHeaders headers, boolean isMove) {
    String depth = headers.value("Depth").orElse("infinity").strip();
    if (depth.equalsIgnoreCase("infinity")) {
      return true;
    }
    if (depth.equals("0") && !isMove) {
      return false;
    }
    throw RefusedException.malformed(isMove ? "Depth must be infinity" : "Depth must be 0 or infinity");
  }

  static HttpResponse move(UserRequest request, FileTarget origin) throws VfsException {
    return new Relocation(request, origin, true).move();
  }

  static HttpResponse copy(UserRequest request, FileTarget origin) throws VfsException {
    return new Relocation(request, origin, false).copy();
  }

  /**
   * By where the entries are when links on the way to them have been followed. RFC 4918 asks for 403 if both are the same. A
   * directory that would come into itself is told from that by 409: it is another destination that helps, no permission.
   */
  private void refuseWhatIsInEachOther() throws VfsException {
    VirtualPath origin = entry(from);
    VirtualPath destination = destinationEntry();
    if (origin.equals(destination)) {
      throw RefusedException.forbidden("source and destination are the same");
    }
    if (source.isDirectory() && destination.isWithin(origin)) {
      throw RefusedException.conflict("a directory can't come into itself");
    }
    if (origin.isWithin(destination)) {
      throw RefusedException.conflict("what the destination would replace holds the source");
    }
  }

  private VirtualPath entry(VirtualPath path) throws VfsException {
    return path.isRoot() ? path : files.canonical(path.parent()).child(path.name());
  }

  private VirtualPath destinationEntry() throws VfsException {
    try {
      if (!files.stat(to.parent()).isDirectory()) {
        throw new VfsException(VfsError.NOT_A_DIRECTORY, to.parent());
      }
      return entry(to);
    } catch (VfsException e) {
      throw e.error() == VfsError.NOT_FOUND
          ? RefusedException.conflict("the directory of the destination does not exist") : StorageProblem.of(e);
    }
  }

  private RefusedException taken() {
    return RefusedException.preconditionFailed(to + " is already there");
  }

  private boolean isFileForFile() {
    return !source.isDirectory() && replaced.filter(old -> !old.isDirectory()).isPresent();
  }

  private HttpResponse move() throws VfsException {
    try {
      rename();
    } catch (VfsException e) {
      if (e.error() != VfsError.OTHER_DEVICE) {
        throw e;
      }
      moveByCopy();
    }
    return done();
  }

  /** Tried before what has the name is removed: what can't be moved takes nothing away. */
  private void rename() throws VfsException {
    try {
      files.rename(from, to, isFileForFile());
    } catch (VfsException e) {
      if (e.error() != VfsError.EXISTS) {
        throw e;
      }
      if (isFileForFile()) {
        throw RefusedException.forbidden(to + " may not be replaced");
      }
      if (replaced.isEmpty()) {
        throw raced(e);
      }
      makeRoom();
      files.rename(from, to, false);
    }
  }

  /** What is mounted is another storage: no name can be moved there. */
  private void moveByCopy() throws VfsException {
    copyTree(new TreeCopy(request, true));
    new TreeRemoval(request).remove(from, source);
  }

  private HttpResponse copy() throws VfsException {
    TreeCopy copy = new TreeCopy(request, false);
    if (source.isDirectory() && !isDeep) {
      makeRoom();
      copy.makeDirectory(from, source, to);
    } else {
      copyTree(copy);
    }
    return done();
  }

  private void copyTree(TreeCopy copy) throws VfsException {
    boolean isPlain = source.kind() == FileAttributes.Kind.FILE
        && replaced.filter(old -> old.kind() == FileAttributes.Kind.FILE).isPresent();
    if (isPlain) {
      copy.replaceFile(from, to);
      return;
    }
    needReadable();
    makeRoom();
    try {
      copy.copy(from, source, to);
    } catch (VfsException e) {
      throw e.error() == VfsError.EXISTS ? raced(e) : StorageProblem.of(e);
    }
  }

  /** Told before anything is removed. */
  private void needReadable() throws VfsException {
    switch (source.kind()) {
      case FILE -> files.open(from, OpenMode.READ, 0).abandon();
      case DIRECTORY -> files.list(from).close();
      case SYMLINK -> files.readSymlink(from);
      case OTHER -> throw new VfsException(VfsError.UNSUPPORTED, from);
    }
  }

  private void makeRoom() throws VfsException {
    if (replaced.isPresent()) {
      new TreeRemoval(request).remove(to, replaced.get());
    }
  }

  private RefusedException raced(VfsException failure) {
    return overwrites ? StorageProblem.of(failure) : taken();
  }

  private HttpResponse done() {
    return replaced.isPresent()
        ? HttpResponse.create().withStatus(StatusCodes.NO_CONTENT)
        : HttpResponse.create().withStatus(StatusCodes.CREATED)
            .addHeader(RawHeader.create("Location", FileTarget.uriOf(to)));
  }
}
