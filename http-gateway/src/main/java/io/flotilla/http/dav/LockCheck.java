package io.flotilla.http.dav;

import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.files.Destination;
import io.flotilla.http.files.EntityTag;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.Published;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Whether a request may do what it asks for, by its If header and the locks that there are. Used by the thread of the request. */
public final class LockCheck {
  private final UserRequest request;
  private final Locks locks;
  private final UserPlaces places;
  private final RequestHeaders headers;
  private final Optional<IfHeader> condition;
  private final Set<String> submitted;

  private LockCheck(UserRequest request, Locks locks) throws VfsException {
    this.request = request;
    this.locks = locks;
    this.places = new UserPlaces(request);
    this.headers = new RequestHeaders(request.http());
    this.condition = headers.value("If").map(text -> IfHeader.parse(text).orElseThrow(() -> RefusedException.malformed(
        "If must be lists of conditions as RFC 4918 has them, such as (<urn:uuid:...>)")));
    this.submitted = condition.map(IfHeader::tokens).orElse(Set.of());
  }

  /** @throws RefusedException if the If header is malformed */
  static LockCheck of(UserRequest request, Locks locks) throws VfsException {
    return new LockCheck(request, locks);
  }

  /**
   * Judges the locks as for PUT, for those who write a file by other methods.
   *
   * @return the answer to a request that may not write there
   */
  public static Optional<HttpResponse> refusal(UserRequest request, Locks locks, VirtualPath path) throws VfsException {
    if (locks.isEmpty()) {
      return Optional.empty();
    }
    try {
      of(request, locks).requireTarget(path);
      return Optional.empty();
    } catch (RefusedException e) {
      return Optional.of(e.toResponse());
    } catch (ConditionException e) {
      return Optional.of(e.toResponse());
    }
  }

  UserPlaces places() {
    return places;
  }

  Set<String> submitted() {
    return submitted;
  }

  RequestHeaders headers() {
    return headers;
  }

  /** @throws RefusedException with 412 if the If header is not true */
  void requireCondition(FileTarget target) throws VfsException {
    if (condition.isEmpty()) {
      return;
    }
    Map<Optional<String>, IfHeader.State> known = new HashMap<>();
    boolean isTrue = condition.get().<VfsException>isTrue(resource -> {
      IfHeader.State state = known.get(resource);
      if (state == null) {
        state = state(resource, target);
        known.put(resource, state);
      }
      return state;
    });
    if (!isTrue) {
      throw RefusedException.preconditionFailed("the If header is not true of what there is; perhaps a lock has run out");
    }
  }

  private IfHeader.State state(Optional<String> resource, FileTarget target) throws VfsException {
    VirtualPath path = target.path();
    if (resource.isPresent()) {
      try {
        path = Destination.of(resource.get(), headers.value("Host")).path();
      } catch (RefusedException e) {
        return new State(List.of(), Optional.empty()); // what is elsewhere has no state here
      }
    }
    Optional<UserPlaces.Located> at = places.target(path);
    return new State(at.map(found -> locks.covering(found.place())).orElse(List.of()),
        at.isPresent() ? tag(path) : Optional.empty());
  }

  private Optional<EntityTag> tag(VirtualPath path) throws VfsException {
    return Published.at(request.files(), path).filter(found -> found.kind() == FileAttributes.Kind.FILE).map(EntityTag::of);
  }

  private record State(List<Lock> locks, Optional<EntityTag> tag) implements IfHeader.State {
    @Override
    public boolean has(IfHeader.Condition.Token token) {
      return locks.stream().anyMatch(lock -> lock.uri().equals(token.uri()));
    }

    @Override
    public boolean has(IfHeader.Condition.Tag wanted) {
      return tag.filter(wanted.tag()::isSame).isPresent();
    }
  }

  /**
   * Judges a request that changes files.
   *
   * @return the locks that end if the request succeeds, because what they are on is gone
   */
  List<Lock> requireWrite(String method, FileTarget target) throws VfsException {
    return switch (method) {
      case "DELETE" -> removed(target.path());
      case "MOVE" -> {
        List<Lock> ending = new ArrayList<>(removed(target.path()));
        ending.addAll(replaced());
        yield ending;
      }
      case "COPY" -> replaced();
      case "MKCOL" -> {
        Optional<UserPlaces.Located> at = places.entry(target.path());
        if (at.isPresent()) {
          require(at.get(), new Locks.Write(at.get().place(), true, false));
        }
        yield List.of();
      }
      default -> {
        requireTarget(target.path());
        yield List.of();
      }
    };
  }

  private List<Lock> removed(VirtualPath path) throws VfsException {
    Optional<UserPlaces.Located> at = places.entry(path);
    if (at.isEmpty()) {
      return List.of();
    }
    LockPlace place = at.get().place();
    require(at.get(), new Locks.Write(place, true, true));
    List<Lock> ending = new ArrayList<>(locks.at(place));
    ending.addAll(locks.beneath(place));
    return ending;
  }

  /** A lock of the destination itself goes on: it is on what comes there, as after PUT. */
  private List<Lock> replaced() throws VfsException {
    Optional<String> header = headers.value("Destination");
    if (header.isEmpty()) {
      return List.of(); // which is refused
    }
    Optional<UserPlaces.Located> at = places.entry(Destination.of(header.get(), headers.value("Host")).path());
    if (at.isEmpty()) {
      return List.of();
    }
    require(at.get(), new Locks.Write(at.get().place(), !at.get().isThere(), true));
    return locks.beneath(at.get().place());
  }

  /** For whatever changes what a path leads to, or makes it. */
  void requireTarget(VirtualPath path) throws VfsException {
    Optional<UserPlaces.Located> at = places.target(path);
    if (at.isPresent()) {
      require(at.get(), new Locks.Write(at.get().place(), !at.get().isThere(), false));
    }
  }

  void require(UserPlaces.Located at, Locks.Write write) {
    String user = request.login().user().name();
    Map<Boolean, Set<String>> byOwnership = submitted.stream().flatMap(token -> locks.find(token).stream())
        .collect(Collectors.partitioningBy(lock -> lock.user().equals(user), Collectors.mapping(Lock::token, Collectors.toSet())));
    Optional<Lock> obstacle = locks.check(write, byOwnership.get(true));
    if (obstacle.isEmpty()) {
      return;
    }
    if (!byOwnership.get(false).isEmpty()) {
      throw RefusedException.forbidden("the lock is another user's");
    }
    throw new ConditionException(423, "<D:lock-token-submitted>" + href(obstacle.get(), at) + "</D:lock-token-submitted>");
  }

  /** Where a lock is, as the user knows it; of one farther down only that it is in what was asked for. */
  String href(Lock lock, UserPlaces.Located under) {
    VirtualPath root = places.lockRoot(lock, under.path());
    boolean isCollection = !root.equals(under.path());
    return "<D:href>" + XmlText.content(Resource.href(root, isCollection)) + "</D:href>";
  }
}
