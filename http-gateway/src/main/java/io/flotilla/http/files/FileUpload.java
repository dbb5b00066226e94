package io.flotilla.http.files;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.http.Problem;
import io.flotilla.http.QueryParameters;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * A file is written: PUT (RFC 9110, 9.3.4 and 14.5). All that can be refused is refused before the body is asked for. Only a file
 * whose body came to its end is published; else what came stays as a partial, with which the client may go on.
 */
final class FileUpload {
  private static final int PERMISSIONS = 0666;
  private static final Set<String> PARAMETERS = Set.of("offset");

  private final UserRequest request;
  private final VirtualFileSystem files;
  private final VirtualPath path;
  private final Place place;
  private final Preconditions preconditions;

  /**
   * Where the body belongs in the file.
   *
   * @param isLast whether the file ends with it
   */
  private record Place(long offset, boolean isLast) {}

  private FileUpload(UserRequest request, VirtualPath path, Place place, Preconditions preconditions) {
    this.request = request;
    this.files = request.files();
    this.path = path;
    this.place = place;
    this.preconditions = preconditions;
  }

  /**
   * Answers when the body has been received.
   *
   * @throws RefusedException or VfsException if it is not received
   */
  static CompletionStage<HttpResponse> receive(UserRequest request, FileTarget target) throws VfsException {
    Place place = place(request);
    Preconditions preconditions = Preconditions.of(new RequestHeaders(request.http())::value);
    if (target.isDirectory()) {
      throw RefusedException.conflict("a file is put at a path that does not end with a slash");
    }
    return new FileUpload(request, target.path(), place, preconditions).receive();
  }

  private static Place place(UserRequest request) {
    OptionalLong offset = QueryParameters.of(request.http(), PARAMETERS).number("offset", 0, Long.MAX_VALUE);
    Optional<String> header = new RequestHeaders(request.http()).value("Content-Range");
    if (header.isEmpty()) {
      return new Place(offset.orElse(0), true);
    }
    if (offset.isPresent()) {
      throw RefusedException.malformed("the place in the file is said by Content-Range or by offset, not by both");
    }
    ContentRange range = ContentRange.parse(header.get())
        .orElseThrow(() -> RefusedException.malformed("Content-Range must be like: bytes 0-99/200"));
    OptionalLong length = request.http().entity().getContentLengthOption();
    if (length.isEmpty()) {
      throw new RefusedException(Problem.of(411, "length-required", "How long is it?",
          "a body with Content-Range needs a Content-Length"));
    }
    if (length.getAsLong() != range.range().length()) {
      throw RefusedException.malformed("the body is not as long as Content-Range says");
    }
    return new Place(range.range().first(), range.isLast());
  }

  private CompletionStage<HttpResponse> receive() throws VfsException {
    Optional<FileAttributes> current = current();
    if (current.filter(FileAttributes::isDirectory).isPresent()) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, path);
    }
    if (preconditions.judge(current.map(Representation::of), false) == Preconditions.Verdict.FAILED) {
      throw RefusedException.preconditionFailed("the file is not in the state that was asked for");
    }
    if (place.offset() > 0) {
      needBytesUpTo(shownSize());
    }
    OpenFile file = open(current.isPresent());
    Transfer account = request.transfers().began(path, ClientEvent.Direction.UPLOAD);
    CompletionStage<Long> received;
    try {
      if (place.offset() > 0) {
        needBytesUpTo(file.attributes().size());
      }
      received = request.bodies().receive(request.http(), file, place.offset(), account);
    } catch (VfsException | RuntimeException e) {
      file.abandon();
      account.ended(ClientEvent.Outcome.FAILED);
      throw e;
    }
    return received.handle((count, failure) -> failure == null
        ? end(file, account, place.offset() + count, current.isPresent()) : broken(file, account, failure));
  }

  /** Whoever may upload and not look gets to know by opening what is there. */
  private Optional<FileAttributes> current() throws VfsException {
    try {
      return Published.at(files, path);
    } catch (VfsException e) {
      if (e.error() == VfsError.PERMISSION_DENIED) {
        return Optional.empty();
      }
      throw e;
    }
  }

  /** Of the file, or else of what a broken upload left. */
  private long shownSize() throws VfsException {
    try {
      return files.stat(path).size();
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND -> 0;
        case PERMISSION_DENIED -> place.offset();
        default -> throw e;
      };
    }
  }

  private void needBytesUpTo(long size) {
    if (place.offset() > size) {
      throw RefusedException.conflict("there are " + size + " bytes; go on from there", uploadOffset(size));
    }
  }

  private static HttpHeader uploadOffset(long offset) {
    return RawHeader.create("Upload-Offset", Long.toString(offset));
  }

  /**
   * A new beginning doesn't go on with what an earlier one left. But the first part of several must not take a partial in hand
   * where a file stands, because the next part would then go into that file.
   */
  private OpenFile open(boolean isThere) throws VfsException {
    boolean isBeginning = place.offset() == 0 && (place.isLast() || !isThere);
    try {
      return files.open(
          path, new OpenMode(false, true, false, true, isBeginning, preconditions.isOnlyIfNew()), PERMISSIONS);
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        throw RefusedException.conflict("the directory it is put in does not exist");
      }
      throw refused(e);
    }
  }

  private RefusedException refused(VfsException failure) {
    return failure.error() == VfsError.EXISTS && preconditions.isOnlyIfNew()
        ? RefusedException.preconditionFailed(failure.getMessage()) : StorageProblem.of(failure);
  }

  private HttpResponse end(OpenFile file, Transfer account, long end, boolean wasThere) {
    // A part that is not the last counts as an upload that is not complete, which it is for whoever waits for the file.
    ClientEvent.Outcome outcome = ClientEvent.Outcome.BROKEN;
    try {
      if (!place.isLast()) {
        file.sync();
        return HttpResponse.create().withStatus(StatusCodes.ACCEPTED).addHeader(uploadOffset(end));
      }
      if (place.offset() > 0 && file.attributes().size() > end) {
        file.setAttributes(AttributeChange.size(end));
      }
      file.sync();
      // Not looked up after closing, when it may be another's file.
      EntityTag tag = EntityTag.of(file.attributes());
      file.close();
      outcome = ClientEvent.Outcome.COMPLETED;
      HttpResponse response = HttpResponse.create().addHeader(RawHeader.create("ETag", tag.toString()));
      return wasThere
          ? response.withStatus(StatusCodes.NO_CONTENT)
          : response.withStatus(StatusCodes.CREATED).addHeader(RawHeader.create("Location", FileTarget.uriOf(path)));
    } catch (VfsException e) {
      outcome = ClientEvent.Outcome.FAILED;
      return refused(e).toResponse();
    } catch (RuntimeException e) {
      outcome = ClientEvent.Outcome.FAILED;
      throw e;
    } finally {
      file.abandon();
      account.ended(outcome);
    }
  }

  private HttpResponse broken(OpenFile file, Transfer account, Throwable failure) {
    Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    boolean isBroken = cause instanceof IOException && !(cause instanceof VfsException);
    file.abandon();
    account.ended(isBroken ? ClientEvent.Outcome.BROKEN : ClientEvent.Outcome.FAILED);
    RefusedException refused = switch (cause) {
      case VfsException e -> refused(e);
      case IOException _ -> RefusedException.malformed("the body ended before it was whole; what came is kept");
      default -> throw new CompletionException(cause);
    };
    return refused.toResponse().addHeader(Connection.create("close")); // what else comes of the body is no request
  }
}
