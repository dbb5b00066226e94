package io.flotilla.http.files;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.http.Problem;
import io.flotilla.http.QueryParameters;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.server.UnreadBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.HashSet;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/**
 * The user's files under {@code /files}: GET, HEAD, POST, PUT, DELETE and OPTIONS (RFC 9110, 9.3), and MKCOL, MOVE and COPY (RFC 4918,
 * 9.3, 9.8 and 9.9). What goes wrong becomes a problem (RFC 9457).
 */
public final class FilesApi implements UserRequests {
  private static final String METHODS = "GET, HEAD, POST, PUT, DELETE, MKCOL, MOVE, COPY, PROPFIND, PROPPATCH, LOCK, UNLOCK, OPTIONS";
  private static final int DIRECTORY_PERMISSIONS = 0777;
  private static final Set<String> READ_PARAMETERS = with(DirectoryPage.PARAMETERS, "inline");

  private static Set<String> with(Set<String> names, String another) {
    Set<String> all = new HashSet<>(names);
    all.add(another);
    return Set.copyOf(all);
  }

  /** A long selection to download comes by POST, by a form of a page, which can't send a header. */
  @Override
  public boolean changes(HttpRequest request) {
    return UserRequests.super.changes(request)
        && !(request.method().value().equals("POST") && QueryParameters.has(request, ZipSelection.ZIP));
  }

  @Override
  public CompletionStage<HttpResponse> handle(UserRequest request) {
    CompletionStage<HttpResponse> answer;
    try {
      FileTarget target = FileTarget.of(request.path());
      answer = switch (request.http().method().value()) {
        case "PUT" -> FileUpload.receive(request, target);
        case "POST" -> ZipSelection.post(request, target);
        default -> unread(request, answer(request, target));
      };
    } catch (RefusedException e) {
      answer = unread(request, e.toResponse());
    } catch (VfsException e) {
      answer = unread(request, StorageProblem.of(e).toResponse());
    }
    return answer.thenApply(response -> response.addHeader(RawHeader.create("X-Content-Type-Options", "nosniff")));
  }

  private static CompletionStage<HttpResponse> unread(UserRequest request, HttpResponse response) {
    return CompletableFuture.completedFuture(UnreadBody.leftBy(request.http(), request.materializer(), response));
  }

  private static HttpResponse answer(UserRequest request, FileTarget target) throws VfsException {
    return switch (request.http().method().value()) {
      case "GET", "HEAD" -> read(request, target);
      case "DELETE" -> delete(request, target);
      case "MKCOL" -> makeDirectory(request, target);
      case "MOVE" -> {
        requirePreconditions(request, target);
        yield Relocation.move(request, target);
      }
      case "COPY" -> {
        requirePreconditions(request, target);
        yield Relocation.copy(request, target);
      }
      case "OPTIONS" -> HttpResponse.create().addHeader(RawHeader.create("Allow", METHODS));
      default -> throw notAllowed("this path takes " + METHODS);
    };
  }

  private static RefusedException notAllowed(String detail) {
    return new RefusedException(
        Problem.of(405, "method-not-allowed", "Not with this method", detail), RawHeader.create("Allow", METHODS));
  }

  private static HttpResponse read(UserRequest request, FileTarget target) throws VfsException {
    if (QueryParameters.has(request.http(), ZipSelection.ZIP)) {
      return ZipSelection.get(request, target);
    }
    QueryParameters parameters = QueryParameters.of(request.http(), READ_PARAMETERS);
    boolean isInlineWanted = parameters.flag("inline");
    Optional<OpenFile> file = openUnlessDirectory(request.files(), target.path());
    if (file.isEmpty()) {
      return list(request, target.path(), DirectoryPage.of(parameters));
    }
    if (target.isDirectory()) {
      file.get().abandon();
      throw RefusedException.notFound(target.path() + ": " + VfsError.NOT_A_DIRECTORY.words());
    }
    return new FileDownload(request, target.path(), isInlineWanted).answer(file.get());
  }

  /** Who may download may not be one who may look, and the other way round. */
  private static Optional<OpenFile> openUnlessDirectory(VirtualFileSystem files, VirtualPath path) throws VfsException {
    try {
      return Optional.of(files.open(path, OpenMode.READ, 0));
    } catch (VfsException e) {
      return switch (e.error()) {
        case IS_A_DIRECTORY -> Optional.empty();
        case NOT_A_DIRECTORY -> throw RefusedException.notFound(e.getMessage());
        case PERMISSION_DENIED -> {
          if (isDirectory(files, path)) {
            yield Optional.empty();
          }
          throw e;
        }
        default -> throw e;
      };
    }
  }

  private static boolean isDirectory(VirtualFileSystem files, VirtualPath path) {
    try {
      return files.stat(path).isDirectory();
    } catch (VfsException e) {
      return false; // what was told first stands
    }
  }

  private static HttpResponse list(UserRequest request, VirtualPath directory, DirectoryPage page) throws VfsException {
    HttpResponse response = HttpResponse.create().addHeader(RawHeader.create("Cache-Control", "private, no-cache"));
    if (request.http().method().value().equals("HEAD")) {
      request.files().list(directory).close();
      // Chunked, because how long it would be is not known.
      return response.withEntity(HttpEntities.createChunked(ContentTypes.APPLICATION_JSON, Source.empty()));
    }
    ObjectNode json = page.read(request.files(), directory);
    return response.withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, ByteString.fromString(json.toString())));
  }

  private static HttpResponse delete(UserRequest request, FileTarget target) throws VfsException {
    QueryParameters parameters = QueryParameters.of(request.http(), Set.of("recursive"));
    // With all that is in it, unless the client says otherwise (RFC 4918, 9.6.1).
    boolean isRecursive = parameters.text("recursive").isEmpty() || parameters.flag("recursive");
    if (new RequestHeaders(request.http()).value("Depth").filter(depth -> !depth.strip().equalsIgnoreCase("infinity")).isPresent()) {
      throw RefusedException.malformed("Depth of DELETE must be infinity; ?recursive=false removes a directory only if it is empty");
    }
    VirtualPath path = target.path();
    if (path.isRoot()) {
      throw RefusedException.forbidden("the root can't be removed");
    }
    requirePreconditions(request, target);
    FileAttributes entry = request.files().lstat(path);
    if (target.isDirectory() && !entry.isDirectory()) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
    }
    if (entry.isDirectory() && !isRecursive) {
      request.files().removeDirectory(path);
    } else {
      new TreeRemoval(request).remove(path, entry);
    }
    return HttpResponse.create().withStatus(StatusCodes.NO_CONTENT);
  }

  private static HttpResponse makeDirectory(UserRequest request, FileTarget target) throws VfsException {
    requirePreconditions(request, target);
    if (!request.http().entity().isKnownEmpty()) {
      throw new RefusedException(Problem.of(415, "unsupported-body", "No body is known here", "MKCOL takes no body"));
    }
    try {
      request.files().makeDirectory(target.path(), DIRECTORY_PERMISSIONS);
    } catch (VfsException e) {
      throw switch (e.error()) {
        case EXISTS -> notAllowed(e.getMessage());
        case NOT_FOUND -> RefusedException.conflict("the directory it is made in does not exist");
        default -> StorageProblem.of(e);
      };
    }
    return HttpResponse.create().withStatus(StatusCodes.CREATED);
  }

  /** The conditions of a request that changes something, if it has any. */
  private static void requirePreconditions(UserRequest request, FileTarget target) throws VfsException {
    Preconditions conditions = Preconditions.of(new RequestHeaders(request.http())::value);
    if (conditions.isAny() && conditions.judge(
        Published.at(request.files(), target.path()).map(Representation::of), false) == Preconditions.Verdict.FAILED) {
      throw RefusedException.preconditionFailed(target.path() + " is not in the state that was asked for");
    }
  }
}
