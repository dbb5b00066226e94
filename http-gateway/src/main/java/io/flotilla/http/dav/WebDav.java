package io.flotilla.http.dav;

import io.flotilla.claim.ClaimClient;
import io.flotilla.http.RefusedException;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.FilesApi;
import io.flotilla.http.server.FileBodies;
import io.flotilla.http.server.UnreadBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.VfsException;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * The user's files under {@code /files} with what WebDAV (RFC 4918, class 1 and 2) adds to HTTP: PROPFIND, PROPPATCH, LOCK and UNLOCK, the
 * If header, and locks that other methods mind. What those do is the {@link FilesApi}'s.
 */
public final class WebDav implements UserRequests {
  private static final String CLASSES = "1, 2";
  /** What stands for the answer of another. */
  private static final HttpResponse PASSED = HttpResponse.create();

  private final UserRequests files = new FilesApi();
  private final ExclusiveChanges propertyChanges = new ExclusiveChanges();
  private final Locks locks;
  private final LockRequests lockRequests;

  /** @param news tells other nodes of locks */
  public WebDav(Locks locks, ClaimClient claims, LockNews news) {
    this.locks = locks;
    this.lockRequests = new LockRequests(locks, claims, news);
  }

  @Override
  public boolean changes(HttpRequest request) {
    return files.changes(request);
  }

  @Override
  public CompletionStage<HttpResponse> handle(UserRequest request) {
    return switch (request.http().method().value()) {
      case "PROPFIND" -> withBody(request, (target, check, body) -> PropFind.answer(request, target, live(request, check), body));
      case "PROPPATCH" -> withBody(request, (target, check, body) -> {
        check.requireTarget(target.path());
        return PropPatch.answer(request, target, live(request, check), check.places(), propertyChanges, body);
      });
      case "LOCK" -> withBody(request, (target, check, body) -> lockRequests.lock(request, target, check, body));
      case "UNLOCK" -> unread(request, answered(request, (target, check) -> lockRequests.unlock(request, target, check)));
      case "OPTIONS" -> files.handle(request).thenApply(response -> response
          .addHeader(RawHeader.create("DAV", CLASSES)).addHeader(RawHeader.create("MS-Author-Via", "DAV")));
      case "PUT", "DELETE", "MKCOL", "MOVE", "COPY" -> write(request);
      default -> read(request);
    };
  }

  private LiveProperties live(UserRequest request, LockCheck check) {
    return new LiveProperties(new LockProperties(locks, check.places(), request.login().user().name()));
  }

  private interface Answer {
    HttpResponse to(FileTarget target, LockCheck check) throws VfsException;
  }

  private interface AnswerToBody {
    HttpResponse to(FileTarget target, LockCheck check, byte[] body) throws VfsException;
  }

  private CompletionStage<HttpResponse> withBody(UserRequest request, AnswerToBody answer) {
    return request.bodies().collect(request.http(), XmlBody.MAX_BYTES).thenApply(collected -> switch (collected) {
      case FileBodies.Collected.Whole(var body) ->
          harmless(answered(request, (target, check) -> answer.to(target, check, body.toArray())));
      // What else comes of the body is no request.
      case FileBodies.Collected.Refused(var refusal) -> harmless(refusal.toResponse().addHeader(Connection.create("close")));
    });
  }

  /** An answer that is given if the If header is true. */
  private HttpResponse answered(UserRequest request, Answer answer) {
    try {
      FileTarget target = FileTarget.beneath(FileTarget.ROOT, request.path());
      LockCheck check = LockCheck.of(request, locks);
      check.requireCondition(target);
      return answer.to(target, check);
    } catch (RefusedException e) {
      return e.toResponse();
    } catch (ConditionException e) {
      return e.toResponse();
    } catch (VfsException e) {
      return StorageProblem.of(e).toResponse();
    }
  }

  private CompletionStage<HttpResponse> read(UserRequest request) {
    if (request.http().getHeader("If").isEmpty()) {
      return files.handle(request);
    }
    HttpResponse verdict = answered(request, (_, _) -> PASSED);
    return verdict == PASSED ? files.handle(request) : unread(request, verdict);
  }

  private CompletionStage<HttpResponse> write(UserRequest request) {
    if (locks.isEmpty()) {
      return read(request);
    }
    Ending ending = new Ending();
    HttpResponse verdict = answered(request, (target, check) -> {
      ending.locks = check.requireWrite(request.http().method().value(), target);
      return PASSED;
    });
    return verdict != PASSED ? unread(request, verdict) : files.handle(request).thenApply(response -> {
      if (response.status().isSuccess()) {
        lockRequests.end(ending.locks);
      }
      return response;
    });
  }

  private static final class Ending {
    private List<Lock> locks = List.of();
  }

  private static CompletionStage<HttpResponse> unread(UserRequest request, HttpResponse response) {
    return CompletableFuture.completedFuture(harmless(UnreadBody.leftBy(request.http(), request.materializer(), response)));
  }

  private static HttpResponse harmless(HttpResponse response) {
    return response.addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
  }
}
