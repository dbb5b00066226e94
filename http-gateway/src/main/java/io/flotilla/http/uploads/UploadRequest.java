package io.flotilla.http.uploads;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.SegmentWriter;
import io.flotilla.vfs.SegmentedUpload;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The body of a request goes on with an upload. Only what was refused before the body was asked for changes nothing; of a body that
 * breaks off stays what came, unless it has a checksum. The one that brings the last byte gives the file its name.
 */
final class UploadRequest {
  private static final Logger log = LoggerFactory.getLogger(UploadRequest.class);

  private final UserRequest request;
  private final SegmentedUpload upload;
  private final String id;
  private final ActiveLeases leases;
  private final boolean isFirst;
  private final Optional<UploadChecksum> checksum;
  private final Lease lease;
  private final SegmentWriter writer;
  private final ActiveLeases.Active active;
  private final long offset;
  private Transfer account;

  private UploadRequest(UserRequest request, SegmentedUpload upload, String id, ActiveLeases leases, boolean isFirst,
      Optional<UploadChecksum> checksum, Lease lease, SegmentWriter writer) {
    this.request = request;
    this.upload = upload;
    this.id = id;
    this.leases = leases;
    this.isFirst = isFirst;
    this.checksum = checksum;
    this.lease = lease;
    this.writer = writer;
    this.active = new ActiveLeases.Active(lease, writer);
    this.offset = writer.offset();
  }

  /**
   * Answers when the body has been received.
   *
   * @param upload taken over: closed in any case
   * @param offset where the client means to go on
   * @param response makes the answer from the offset that was reached
   * @throws RefusedException or VfsException if the body is not received
   */
  static CompletionStage<HttpResponse> receive(UserRequest request, SegmentedUpload upload, String id, ActiveLeases leases, long offset,
      Function<Long, HttpResponse> response) throws VfsException {
    return receive(request, upload, id, leases, offset, false, response);
  }

  /** The same of the request that has created the upload: nobody else knows of it, so nothing of it is left if it is refused. */
  static CompletionStage<HttpResponse> receiveFirst(UserRequest request, SegmentedUpload upload, String id, ActiveLeases leases,
      Function<Long, HttpResponse> response) throws VfsException {
    return receive(request, upload, id, leases, 0, true, response);
  }

  private static CompletionStage<HttpResponse> receive(UserRequest request, SegmentedUpload upload, String id, ActiveLeases leases,
      long offset, boolean isFirst, Function<Long, HttpResponse> response) throws VfsException {
    Lease lease = null;
    SegmentWriter writer = null;
    UploadRequest begun = null;
    try {
      Optional<UploadChecksum> checksum = checksum(request);
      lease = leases.takeOver(id);
      writer = upload.take(lease);
      if (writer.offset() != offset) {
        throw RefusedException.conflict("there are " + writer.offset() + " bytes; go on from there",
            RawHeader.create("Upload-Offset", Long.toString(writer.offset())));
      }
      needRoom(request, upload.info().length(), offset);
      if (!writer.isComplete()) {
        writer.open(checksum.isPresent());
      }
      begun = new UploadRequest(request, upload, id, leases, isFirst, checksum, lease, writer);
    } finally {
      if (begun == null) {
        try (upload; Lease _ = lease) {
          if (isFirst) {
            discard(upload, writer);
          }
        }
      }
    }
    return begun.receive(response);
  }

  /** @throws RefusedException if there is one that can't be held against the body */
  static Optional<UploadChecksum> checksum(UserRequest request) {
    return new RequestHeaders(request.http()).value("Upload-Checksum").map(UploadChecksum::parse);
  }

  /** @throws RefusedException if the body is longer than what is to come of the upload */
  static void needRoom(UserRequest request, long whole, long offset) {
    OptionalLong length = request.http().entity().getContentLengthOption();
    if (length.isPresent() && length.getAsLong() > whole - offset) {
      throw RefusedException.tooLarge("the upload was said to have " + whole + " bytes");
    }
  }

  /** @param writer null if the upload was not taken */
  private static void discard(SegmentedUpload upload, SegmentWriter writer) {
    try {
      if (writer == null) {
        upload.withdraw();
      } else {
        writer.remove();
      }
    } catch (VfsException e) {
      log.debug("What is left of {} stays until it is too old", upload.shown(), e);
    }
  }

  private CompletionStage<HttpResponse> receive(Function<Long, HttpResponse> response) {
    leases.began(id, active);
    account = request.transfers().began(upload.shown(), ClientEvent.Direction.UPLOAD);
    CompletionStage<Long> received;
    try {
      received = request.bodies().receive(request.http(), writer, offset, account);
    } catch (RuntimeException e) {
      release(ClientEvent.Outcome.FAILED, isFirst);
      throw e;
    }
    return received.handle((_, failure) -> {
      lease.work();
      ClientEvent.Outcome outcome = ClientEvent.Outcome.FAILED;
      boolean isTold = false;
      try {
        if (failure != null) {
          outcome = isBroken(failure) ? ClientEvent.Outcome.BROKEN : ClientEvent.Outcome.FAILED;
          return broken(failure);
        }
        Optional<HttpResponse> refusal = accepted();
        outcome = refusal.isEmpty() && end() ? ClientEvent.Outcome.COMPLETED : ClientEvent.Outcome.BROKEN;
        isTold = refusal.isEmpty();
        return refusal.orElseGet(() -> response.apply(writer.offset()));
      } catch (VfsException e) {
        return refused(e);
      } finally {
        release(outcome, isFirst && !isTold);
      }
    });
  }

  /** What is done whatever goes wrong before it. */
  private interface Ending extends AutoCloseable {
    @Override
    void close();
  }

  /** The last of these is done first, and each whatever goes wrong with the others. */
  private void release(ClientEvent.Outcome outcome, boolean isDiscarded) {
    try (upload; Ending _ = () -> account.ended(outcome); lease; Ending _ = () -> leases.ended(id, active); Ending _ = writer::abandon) {
      if (isDiscarded) {
        discard(upload, writer);
      }
    }
  }

  /** Whether what came is what was meant; if not, why. */
  private Optional<HttpResponse> accepted() throws VfsException {
    if (checksum.isEmpty() || writer.offset() == offset) {
      return Optional.empty();
    }
    if (checksum.get().isOf(writer, offset, writer.offset())) {
      writer.accept();
      return Optional.empty();
    }
    writer.takeBack();
    writer.close();
    return Optional.of(UploadsApi.checksumMismatch());
  }

  /** @return whether the file is there now; else there is more to come */
  private boolean end() throws VfsException {
    writer.close();
    boolean isComplete = writer.isComplete();
    if (isComplete) {
      writer.publish();
    }
    return isComplete;
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
  }

  private static boolean isBroken(Throwable failure) {
    return cause(failure) instanceof IOException && !(cause(failure) instanceof VfsException);
  }

  private HttpResponse broken(Throwable failure) {
    try {
      writer.close(); // what came counts
    } catch (VfsException e) {
      writer.abandon(); // whoever is next begins a segment of its own
    }
    HttpResponse response = switch (cause(failure)) {
      case VfsException e -> refused(e);
      case IOException _ -> RefusedException.malformed("the body ended before it was whole; go on from the offset").toResponse();
      default -> throw new CompletionException(cause(failure));
    };
    return response.addHeader(Connection.create("close")); // what else comes of the body is no request
  }

  /** A lease that has run out, or that a newer request has taken. */
  static HttpResponse refused(VfsException failure) {
    HttpResponse response = StorageProblem.of(failure).toResponse();
    return failure.error() == VfsError.BUSY ? response.addHeader(RawHeader.create("Retry-After", "1")) : response;
  }

  /** Gives a file its name of which all has come, if whoever brought the last byte could not. */
  static void publish(UserRequest request, SegmentedUpload upload, String id, ActiveLeases leases) throws VfsException {
    try (Lease lease = leases.acquire(id)) {
      lease.work();
      SegmentWriter writer = upload.take(lease);
      if (writer.isComplete()) {
        Transfer account = request.transfers().began(upload.shown(), ClientEvent.Direction.UPLOAD);
        ClientEvent.Outcome outcome = ClientEvent.Outcome.FAILED;
        try {
          writer.publish();
          outcome = ClientEvent.Outcome.COMPLETED;
        } finally {
          account.ended(outcome);
        }
      }
    }
  }

  static void remove(SegmentedUpload upload, String id, ActiveLeases leases) throws VfsException {
    try (Lease lease = leases.takeOver(id)) {
      lease.work();
      upload.remove(lease);
    }
  }

  /** Of which something is missing before what is there: nothing of it is changed, so that it can be gone on with later. */
  static RefusedException notArrived() {
    return new RefusedException(Problem.of(503, "not-arrived", "Not now",
        "not all of the upload has arrived at this node yet; try again later, or end it and send it anew"));
  }

  static Problem expired() {
    return Problem.of(410, "gone", "It is over", "nobody has gone on with this upload for too long");
  }
}
