package io.flotilla.http.dav;

import io.flotilla.http.RefusedException;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.FilesApi;
import io.flotilla.http.server.FileBodies;
import io.flotilla.http.server.UserRequest;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.VfsException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * The user's files under {@code /files} with what WebDAV (RFC 4918) adds to HTTP: PROPFIND and PROPPATCH. All else is the
 * {@link FilesApi}'s.
 */
public final class WebDav implements UserRequests {
  private static final String CLASSES = "1";

  private final UserRequests files = new FilesApi();
  private final LiveProperties live = new LiveProperties();

  @Override
  public CompletionStage<HttpResponse> handle(UserRequest request) {
    return switch (request.http().method().value()) {
      case "PROPFIND" -> withBody(request, (target, body) -> PropFind.answer(request, target, live, body));
      case "PROPPATCH" -> withBody(request, (target, body) -> PropPatch.answer(request, target, live, body));
      case "OPTIONS" -> files.handle(request).thenApply(response -> response
          .addHeader(RawHeader.create("DAV", CLASSES)).addHeader(RawHeader.create("MS-Author-Via", "DAV")));
      default -> files.handle(request);
    };
  }

  private interface Answer {
    HttpResponse to(FileTarget target, byte[] body) throws VfsException;
  }

  private static CompletionStage<HttpResponse> withBody(UserRequest request, Answer answer) {
    return request.bodies().collect(request.http(), XmlBody.MAX_BYTES).thenApply(collected -> {
      HttpResponse response = switch (collected) {
        case FileBodies.Collected.Whole(var body) -> answered(request, answer, body.toArray());
        // What else comes of the body is no request.
        case FileBodies.Collected.Refused(var refusal) -> refusal.toResponse().addHeader(Connection.create("close"));
      };
      return response.addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
    });
  }

  private static HttpResponse answered(UserRequest request, Answer answer, byte[] body) {
    try {
      return answer.to(FileTarget.beneath(FileTarget.ROOT, request.path()), body);
    } catch (RefusedException e) {
      return e.toResponse();
    } catch (ConditionException e) {
      return e.toResponse();
    } catch (VfsException e) {
      return StorageProblem.of(e).toResponse();
    }
  }
}
