package io.flotilla.http.dav;

import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.Published;
import io.flotilla.http.server.Pause;
import io.flotilla.http.server.ProducedBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.util.ByteString;

/** The properties of a resource, and of what is in it, are told: PROPFIND (RFC 4918, 9.1). */
final class PropFind {
  private final UserRequest request;
  private final VirtualFileSystem files;
  private final LiveProperties live;
  private final Wanted wanted;
  private final MultiStatus answer = new MultiStatus();

  /** Which properties are asked for. */
  sealed interface Wanted {
    /** All, and those that are told only when they are named. */
    record All(Set<XmlName> also) implements Wanted {}

    record Names() implements Wanted {}

    record Named(Set<XmlName> names) implements Wanted {}

    /** No body asks for all (RFC 4918, 9.1). */
    static Wanted of(Optional<XmlElement> body) {
      if (body.isEmpty()) {
        return new All(Set.of());
      }
      XmlElement root = body.get();
      if (!root.name().isDav("propfind")) {
        throw RefusedException.malformed("the body of PROPFIND has to be a DAV:propfind");
      }
      if (root.child("allprop").isPresent()) {
        return new All(root.child("include").map(Wanted::names).orElse(Set.of()));
      }
      if (root.child("propname").isPresent()) {
        return new Names();
      }
      return new Named(root.child("prop").map(Wanted::names).orElseThrow(() ->
          RefusedException.malformed("a DAV:propfind has to have one of allprop, propname and prop")));
    }

    private static Set<XmlName> names(XmlElement of) {
      Set<XmlName> names = new LinkedHashSet<>();
      of.children().forEach(child -> names.add(child.name()));
      return names;
    }
  }

  private PropFind(UserRequest request, LiveProperties live, Wanted wanted) {
    this.request = request;
    this.files = request.files();
    this.live = live;
    this.wanted = wanted;
  }

  static HttpResponse answer(UserRequest request, FileTarget target, LiveProperties live, byte[] body) throws VfsException {
    String depth = new RequestHeaders(request.http()).value("Depth").orElse("infinity").strip().toLowerCase(Locale.ROOT);
    boolean isDeep = switch (depth) {
      case "0" -> false;
      case "1" -> true;
      case "infinity" -> throw new ConditionException(403, "<D:propfind-finite-depth/>");
      default -> throw RefusedException.malformed("Depth must be 0 or 1");
    };
    return new PropFind(request, live, Wanted.of(XmlBody.parse(body))).answer(target, isDeep);
  }

  private HttpResponse answer(FileTarget target, boolean isDeep) throws VfsException {
    Resource resource = resource(files, target);
    describe(resource, dead(resource));
    if (!isDeep || !resource.isCollection()) {
      return answer.toResponse();
    }
    DirectoryListing listing = files.list(resource.path());
    boolean isHandedOver = false;
    try {
      VirtualPath directory = files.canonical(resource.path());
      isHandedOver = true;
      return MultiStatus.toResponse(request.bodies(), new Members(resource.path(), directory, listing));
    } finally {
      if (!isHandedOver) {
        listing.close();
      }
    }
  }

  /** Tells of a directory's entries while they are read, so that none of any size is held in memory. */
  private final class Members implements ProducedBody {
    private static final int PART_BYTES = 32 * 1024;

    private final VirtualPath path;
    private final VirtualPath canonical;
    private final DirectoryListing listing;
    private boolean isEnded;
    private boolean isClosed;

    Members(VirtualPath path, VirtualPath canonical, DirectoryListing listing) {
      this.path = path;
      this.canonical = canonical;
      this.listing = listing;
    }

    @Override
    public ByteString next(Pause pause) throws VfsException {
      while (!isEnded && answer.size() < PART_BYTES) {
        request.checkIsWanted();
        DirectoryListing.Entry entry = listing.next();
        if (entry == null) {
          isEnded = true;
          answer.end();
        } else {
          Optional<Resource> member = member(path.child(entry.name()), entry.attributes(), canonical);
          if (member.isPresent()) {
            describe(member.get(), deadOfMember(member.get()));
          }
        }
      }
      return answer.take();
    }

    @Override
    public void close() {
      if (!isClosed) {
        isClosed = true;
        listing.close();
      }
    }
  }

  /** What a request is about, if it is there. */
  static Resource resource(VirtualFileSystem files, FileTarget target) {
    FileAttributes attributes;
    try {
      attributes = Published.at(files, target.path()).orElseThrow(() -> absent(target, VfsError.NOT_FOUND));
    } catch (VfsException e) {
      throw e.error() == VfsError.NOT_A_DIRECTORY ? absent(target, e.error()) : StorageProblem.of(e);
    }
    if (target.isDirectory() && !attributes.isDirectory()) {
      throw absent(target, VfsError.NOT_A_DIRECTORY);
    }
    return new Resource(files, target.path(), attributes, null);
  }

  private static RefusedException absent(FileTarget target, VfsError why) {
    return RefusedException.notFound(target.path() + ": " + why.words());
  }

  /** What a link leads to is shown in its place; what can't be got is not shown. */
  private Optional<Resource> member(VirtualPath path, FileAttributes entry, VirtualPath directory) {
    FileAttributes attributes = entry;
    VirtualPath canonicalParent = entry.isSymlink() ? null : directory;
    if (entry.isSymlink()) {
      try {
        attributes = files.stat(path);
      } catch (VfsException e) {
        return Optional.empty();
      }
    }
    return switch (attributes.kind()) {
      case FILE, DIRECTORY -> Optional.of(new Resource(files, path, attributes, canonicalParent));
      case SYMLINK, OTHER -> Optional.empty();
    };
  }

  private boolean needsDead() {
    return !(wanted instanceof Wanted.Named(var names))
        || !names.stream().allMatch(live::isLive);
  }

  private DeadProperties dead(Resource of) throws VfsException {
    try {
      return needsDead() ? DeadProperties.of(files, of.path()) : DeadProperties.NONE;
    } catch (VfsException e) {
      if (e.error() == VfsError.PERMISSION_DENIED) { // who may not look may be told that there is something
        return DeadProperties.NONE;
      }
      throw e;
    }
  }

  /** One entry that can't be read, such as a mounted folder that doesn't answer, must not take the others away. */
  private DeadProperties deadOfMember(Resource of) {
    try {
      return needsDead() ? DeadProperties.of(files, of.path()) : DeadProperties.NONE;
    } catch (VfsException e) {
      return DeadProperties.NONE;
    }
  }

  private void describe(Resource resource, DeadProperties dead) throws VfsException {
    List<String> found = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    switch (wanted) {
      case Wanted.All(var also) -> {
        found.addAll(live.usual(resource));
        found.addAll(dead.elements().values());
        for (XmlName name : also) {
          if (!live.isUsual(name) && !dead.elements().containsKey(name)) {
            add(name, live.element(name, resource), found, missing);
          }
        }
      }
      case Wanted.Names() -> {
        live.names(resource).forEach(name -> found.add(name.emptyElement()));
        dead.elements().keySet().forEach(name -> found.add(name.emptyElement()));
      }
      case Wanted.Named(var names) -> {
        for (XmlName name : names) {
          add(name, live.element(name, resource).or(() -> Optional.ofNullable(dead.elements().get(name))), found, missing);
        }
      }
    }
    List<MultiStatus.PropStat> told = new ArrayList<>();
    if (!found.isEmpty() || missing.isEmpty()) {
      told.add(new MultiStatus.PropStat(200, found, ""));
    }
    if (!missing.isEmpty()) {
      told.add(new MultiStatus.PropStat(404, missing, ""));
    }
    answer.add(resource.href(), told);
  }

  private static void add(XmlName name, Optional<String> element, List<String> found, List<String> missing) {
    element.ifPresentOrElse(found::add, () -> missing.add(name.emptyElement()));
  }
}
