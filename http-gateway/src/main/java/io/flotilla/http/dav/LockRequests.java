package io.flotilla.http.dav;

import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.config.model.Permission;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Locks are taken, refreshed and given back: LOCK and UNLOCK (RFC 4918, 9.10 and 9.11). Each is a claim, so that it is granted by a
 * majority and once only; a client is answered when the other nodes have been told. Safe for all threads; blocks the calling one.
 */
final class LockRequests {
  private static final Logger log = LoggerFactory.getLogger(LockRequests.class);
  private static final Duration PATIENCE = Duration.ofSeconds(5);
  private static final int MAX_OWNER_LENGTH = 2048;
  private static final int PERMISSIONS = 0666;
  private static final Pattern TOKEN = Pattern.compile("<urn:uuid:([0-9a-f-]{36})>");
  private static final Set<Permission> CHANGES_OF_FILES =
      EnumSet.of(Permission.OVERWRITE, Permission.APPEND, Permission.RENAME, Permission.DELETE);
  private static final Set<Permission> CHANGES_OF_DIRECTORIES = EnumSet.complementOf(EnumSet.of(Permission.LIST, Permission.DOWNLOAD));
  private static final String WRONG_TOKEN = "<D:lock-token-matches-request-uri/>";

  private final Locks locks;
  private final ClaimClient claims;
  private final LockNews news;

  LockRequests(Locks locks, ClaimClient claims, LockNews news) {
    this.locks = locks;
    this.claims = claims;
    this.news = news;
  }

  HttpResponse lock(UserRequest request, FileTarget target, LockCheck check, byte[] bytes) throws VfsException {
    Optional<XmlElement> body = XmlBody.parse(bytes);
    UserPlaces.Located at = check.places().target(target.path())
        .orElseThrow(() -> RefusedException.conflict("the directory of what is to be locked does not exist"));
    return body.isPresent() ? take(request, target, check, at, body.get()) : refresh(request, check, at);
  }

  private HttpResponse take(UserRequest request, FileTarget target, LockCheck check, UserPlaces.Located at, XmlElement info)
      throws VfsException {
    Lock wanted = wanted(request, check, at, info);
    boolean isDirectory = at.isThere() && request.files().stat(target.path()).isDirectory();
    if (target.isDirectory() && !isDirectory) {
      throw RefusedException.conflict(target.path() + " is not a directory, so its path does not end with a slash");
    }
    needRight(check, at, isDirectory);
    if (!at.isThere()) {
      check.require(at, new Locks.Write(at.place(), true, false));
    }
    if (at.place().depth() > Lock.MAX_DEPTH) {
      throw insufficient("it is more than " + Lock.MAX_DEPTH + " directories down in its storage");
    }
    Optional<Lock> conflict = locks.conflict(wanted);
    if (conflict.isPresent()) {
      throw conflicting(check, conflict.get(), at);
    }
    if (!locks.hasRoomFor(wanted.user())) {
      throw insufficient("there are " + Locks.MAX_OF_USER + " locks of this user, or " + Locks.MAX_LOCKS + " of all");
    }
    Lock granted = grant(check, wanted, at);
    news.holds(granted);
    boolean isMade = !at.isThere() && isMade(request, target, granted);
    return told(check, granted, at, isDirectory)
        .withStatus(isMade ? StatusCodes.CREATED : StatusCodes.OK)
        .addHeader(RawHeader.create("Lock-Token", "<" + granted.uri() + ">"));
  }

  private static Lock wanted(UserRequest request, LockCheck check, UserPlaces.Located at, XmlElement info) {
    if (!info.name().isDav("lockinfo")) {
      throw RefusedException.malformed("the body of LOCK has to be a DAV:lockinfo");
    }
    Optional<XmlElement> scope = info.child("lockscope");
    boolean isExclusive = scope.flatMap(element -> element.child("exclusive")).isPresent();
    boolean isShared = scope.flatMap(element -> element.child("shared")).isPresent();
    if (isExclusive == isShared || info.child("locktype").flatMap(element -> element.child("write")).isEmpty()) {
      throw RefusedException.malformed("there are exclusive and shared write locks");
    }
    boolean isDeep = switch (check.headers().value("Depth").orElse("infinity").strip().toLowerCase(Locale.ROOT)) {
      case "0" -> false;
      case "infinity" -> true;
      default -> throw RefusedException.malformed("Depth must be 0 or infinity");
    };
    String owner = info.child("owner").map(XmlElement::toXml).orElse("");
    if (owner.length() > MAX_OWNER_LENGTH) {
      throw new RefusedException(Problem.of(413, "too-large", "The owner is too long",
          "a lock keeps an owner of at most " + MAX_OWNER_LENGTH + " characters"));
    }
    return new Lock(UUID.randomUUID().toString(), at.place(), isExclusive, isDeep, request.login().user().name(), owner, 0,
        LockTimeout.of(check.headers().value("Timeout")).toMillis());
  }

  private static void needRight(LockCheck check, UserPlaces.Located at, boolean isDirectory) {
    Set<Permission> needed = !at.isThere() ? EnumSet.of(Permission.UPLOAD) : isDirectory ? CHANGES_OF_DIRECTORIES : CHANGES_OF_FILES;
    if (check.places().permissions(at.path()).stream().noneMatch(needed::contains)) {
      throw RefusedException.forbidden(at.path() + ": who can't change it can't lock it");
    }
  }

  private Lock grant(LockCheck check, Lock wanted, UserPlaces.Located at) {
    long asked = System.nanoTime();
    ClaimKeeper.Reply reply;
    try {
      reply = answer(claims.acquire(wanted.key(), wanted.user(), Duration.ofMillis(wanted.milliseconds()), wanted.conflicts(),
          wanted.detail(), PATIENCE));
    } catch (RefusedException e) {
      // Perhaps it was granted all the same, and nobody knows of it. Whichever node sees the claim next releases it.
      locks.gone(List.of(wanted.token()));
      news.gone(List.of(wanted.token()));
      throw e;
    }
    return switch (reply) {
      case ClaimKeeper.Granted(var claim) -> {
        if (!claim.detail().equals(wanted.detail())) {
          release(wanted.granted(claim));
          throw unavailable("the primary is of an earlier release, which does not know of locks; upgrade it");
        }
        Lock granted = wanted.granted(claim);
        locks.holds(granted, remaining(granted, asked));
        yield granted;
      }
      case ClaimKeeper.Held(var claim, var remaining) -> {
        Optional<Lock> other = Lock.of(claim);
        other.ifPresent(lock -> locks.holds(lock, Duration.ofMillis(remaining)));
        throw other.map(lock -> (RuntimeException) conflicting(check, lock, at))
            .orElseGet(() -> unavailable("a lock that this release does not know is in the way; upgrade this node"));
      }
      case ClaimKeeper.Refused(_, var reason) -> throw insufficient(reason);
      case ClaimKeeper.Lost _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to Acquire: " + reply);
    };
  }

  private static Duration remaining(Lock lock, long askedNanos) {
    return Duration.ofMillis(lock.milliseconds()).minusNanos(System.nanoTime() - askedNanos);
  }

  /** What is locked and is not there yet becomes an empty file (RFC 4918, 7.3). */
  private boolean isMade(UserRequest request, FileTarget target, Lock granted) throws VfsException {
    try {
      request.files().open(target.path(), new OpenMode(false, true, false, true, true, true), PERMISSIONS).close();
      return true;
    } catch (VfsException e) {
      if (e.error() == VfsError.EXISTS) {
        return false;
      }
      end(List.of(granted));
      throw e;
    }
  }

  private HttpResponse refresh(UserRequest request, LockCheck check, UserPlaces.Located at) throws VfsException {
    if (check.submitted().size() != 1) {
      throw RefusedException.malformed("LOCK without a body refreshes the lock whose one token is in the If header");
    }
    Lock lock = own(request, check.submitted().iterator().next(), at, 412);
    long asked = System.nanoTime();
    ClaimKeeper.Reply reply =
        answer(claims.renew(lock.key(), lock.number(), LockTimeout.of(check.headers().value("Timeout")), PATIENCE));
    switch (reply) {
      case ClaimKeeper.Granted(var claim) -> {
        Lock refreshed = lock.granted(claim);
        locks.holds(refreshed, remaining(refreshed, asked));
        news.holds(refreshed);
        return told(check, refreshed, at, at.isThere() && request.files().stat(at.path()).isDirectory());
      }
      case ClaimKeeper.Refused(_, var reason) -> throw insufficient(reason);
      case ClaimKeeper.Lost _ -> {
        locks.gone(List.of(lock.token()));
        throw new ConditionException(412, WRONG_TOKEN);
      }
      case ClaimKeeper.Held _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to Renew: " + reply);
    }
  }

  /** The user's lock with a token, if the place is under it. */
  private Lock own(UserRequest request, String token, UserPlaces.Located at, int statusIfNot) {
    Lock lock = locks.find(token).filter(found -> locks.covering(at.place()).contains(found))
        .orElseThrow(() -> new ConditionException(statusIfNot, WRONG_TOKEN));
    if (!lock.user().equals(request.login().user().name())) {
      throw RefusedException.forbidden("the lock is another user's");
    }
    return lock;
  }

  HttpResponse unlock(UserRequest request, FileTarget target, LockCheck check) throws VfsException {
    Matcher token = TOKEN.matcher(check.headers().value("Lock-Token")
        .orElseThrow(() -> RefusedException.malformed("the Lock-Token is missing")).strip());
    UserPlaces.Located at = check.places().target(target.path()).orElseThrow(() -> new ConditionException(409, WRONG_TOKEN));
    Lock lock = own(request, token.matches() ? token.group(1) : "", at, 409);
    answer(claims.release(lock.key(), lock.number(), PATIENCE)); // lost is as good as released
    locks.gone(List.of(lock.token()));
    news.gone(List.of(lock.token()));
    return HttpResponse.create().withStatus(StatusCodes.NO_CONTENT);
  }

  /** What they were on is gone. They are known to be gone at once; a claim that can't be released now is later, or runs out. */
  void end(Collection<Lock> ended) {
    if (ended.isEmpty()) {
      return;
    }
    List<String> tokens = ended.stream().map(Lock::token).toList();
    locks.gone(tokens);
    ended.forEach(this::release);
    news.gone(tokens);
  }

  private void release(Lock lock) {
    claims.release(lock.key(), lock.number(), PATIENCE).whenComplete((_, failure) -> {
      if (failure != null) {
        log.debug("The lock {} could not be released yet: {}", lock.token(), failure.getMessage());
      }
    });
  }

  private static <T> T answer(CompletionStage<T> asked) {
    try {
      return asked.toCompletableFuture().join();
    } catch (CompletionException e) {
      throw e.getCause() instanceof ClaimClient.KeeperUnavailableException unavailable ? unavailable(unavailable.getMessage()) : e;
    }
  }

  private static RefusedException unavailable(String detail) {
    return new RefusedException(Problem.of(503, "no-quorum", "Locks can't be changed now", detail));
  }

  private static RefusedException insufficient(String detail) {
    return new RefusedException(Problem.of(507, "too-many-locks", "There is no room for another lock", detail));
  }

  private static ConditionException conflicting(LockCheck check, Lock other, UserPlaces.Located at) {
    return new ConditionException(423, "<D:no-conflicting-lock>" + check.href(other, at) + "</D:no-conflicting-lock>");
  }

  private HttpResponse told(LockCheck check, Lock lock, UserPlaces.Located at, boolean isDirectory) {
    LockProperties properties = new LockProperties(locks, check.places(), lock.user());
    return MultiStatus.xml(HttpResponse.create(), "<D:prop xmlns:D=\"DAV:\">"
        + properties.discovery(List.of(lock), at.path(), isDirectory) + "</D:prop>");
  }
}
