package io.flotilla.http.uploads;

import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.dav.LockCheck;
import io.flotilla.http.dav.Locks;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.files.HttpDate;
import io.flotilla.http.server.UnreadBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.SegmentedUpload;
import io.flotilla.vfs.UploadInfo;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.security.SecureRandom;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HexFormat;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * The tus protocol 1.0 under {@code /uploads}, with creation, creation-with-upload, checksum, expiration and termination
 * (https://tus.io/protocols/resumable-upload). What there is of an upload lies beside the file it becomes, so any node that sees the
 * storage goes on with it; who may write is said by a lease. What goes wrong becomes a problem (RFC 9457).
 */
public final class UploadsApi implements UserRequests, AutoCloseable {
  public static final String ROOT = "/uploads";
  private static final String VERSION = "1.0.0";
  private static final String EXTENSIONS = "creation,creation-with-upload,checksum,expiration,termination";
  private static final String METHODS = "POST, HEAD, PATCH, DELETE, OPTIONS";
  private static final String CONTENT_TYPE = "application/offset+octet-stream";
  private static final int MAX_UPLOADS = 100;
  private static final int ID_BYTES = 16;

  private final ActiveLeases leases;
  private final Locks locks;
  private final Supplier<Duration> keep;
  private final Clock clock;
  private final SecureRandom random = new SecureRandom();

  /**
   * @param locks under which others may not write
   * @param node the name of this one
   * @param keep how long an upload is kept with which nobody goes on
   */
  public UploadsApi(Leases leases, Locks locks, String node, Supplier<Duration> keep) {
    this(leases, locks, node, keep, Clock.systemUTC(), Lease.TIME);
  }

  UploadsApi(Leases leases, Locks locks, String node, Supplier<Duration> keep, Clock clock, Duration leaseTime) {
    this.locks = locks;
    this.leases = new ActiveLeases(leases, node, leaseTime);
    this.keep = keep;
    this.clock = clock;
  }

  @Override
  public CompletionStage<HttpResponse> handle(UserRequest request) {
    CompletionStage<HttpResponse> answer;
    try {
      answer = answer(request);
    } catch (RefusedException e) {
      answer = unread(request, e.toResponse());
    } catch (VfsException e) {
      answer = unread(request, UploadRequest.refused(e));
    }
    return answer.thenApply(response -> response
        .addHeader(RawHeader.create("Tus-Resumable", VERSION))
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff")));
  }

  private static CompletionStage<HttpResponse> unread(UserRequest request, HttpResponse response) {
    return CompletableFuture.completedFuture(UnreadBody.leftBy(request.http(), request.materializer(), response));
  }

  private CompletionStage<HttpResponse> answer(UserRequest request) throws VfsException {
    String method = request.http().method().value();
    if (method.equals("OPTIONS")) {
      return unread(request, HttpResponse.create().withStatus(StatusCodes.NO_CONTENT)
          .addHeader(RawHeader.create("Tus-Version", VERSION))
          .addHeader(RawHeader.create("Tus-Extension", EXTENSIONS))
          .addHeader(RawHeader.create("Tus-Checksum-Algorithm", UploadChecksum.ALGORITHMS)));
    }
    if (!new RequestHeaders(request.http()).value("Tus-Resumable").filter(VERSION::equals).isPresent()) {
      throw new RefusedException(Problem.of(412, "tus-version", "Another version is spoken here",
          "the header Tus-Resumable has to be " + VERSION), RawHeader.create("Tus-Version", VERSION));
    }
    boolean isCollection = request.path().equals(ROOT) || request.path().equals(ROOT + "/");
    return switch (method) {
      case "POST" -> {
        if (!isCollection) {
          throw notAllowed();
        }
        yield create(request);
      }
      case "HEAD", "PATCH", "DELETE" -> {
        if (isCollection) {
          throw notAllowed();
        }
        yield withUpload(request, method);
      }
      default -> throw notAllowed();
    };
  }

  private static RefusedException notAllowed() {
    return new RefusedException(Problem.of(405, "method-not-allowed", "Not with this method",
        ROOT + " takes POST, an upload HEAD, PATCH and DELETE"), RawHeader.create("Allow", METHODS));
  }

  private CompletionStage<HttpResponse> create(UserRequest request) throws VfsException {
    RequestHeaders headers = new RequestHeaders(request.http());
    if (headers.value("Upload-Defer-Length").isPresent()) {
      throw RefusedException.malformed("a length that is told later is not supported; send Upload-Length");
    }
    long length = number(headers, "Upload-Length");
    UploadMetadata metadata = UploadMetadata.parse(headers.value("Upload-Metadata").orElse(""));
    boolean hasBody = !request.http().entity().isKnownEmpty();
    if (hasBody) {
      needContentType(request);
      UploadRequest.checksum(request);
      UploadRequest.needRoom(request, length, 0);
    }
    VirtualPath target = creatable(request.files(), metadata);
    Optional<HttpResponse> locked = LockCheck.refusal(request, locks, target);
    if (locked.isPresent()) {
      return unread(request, locked.get());
    }
    String user = request.login().user().name();
    if (SegmentedUpload.count(request.files(), target, user) >= MAX_UPLOADS) {
      throw new RefusedException(Problem.of(429, "too-many-uploads", "Too many uploads",
          "there are " + MAX_UPLOADS + " unfinished uploads in that directory; finish or end some"));
    }
    String id = newId();
    SegmentedUpload upload = SegmentedUpload.create(request.files(), target, id,
        new UploadInfo(length, target.name(), metadata.overwrites(), user, metadata.text(), clock.instant()));
    HttpResponse created = HttpResponse.create().withStatus(StatusCodes.CREATED)
        .addHeader(RawHeader.create("Location", FileTarget.uriOf(ROOT + "/" + id, target)))
        .addHeader(expires(clock.instant()));
    if (hasBody || length == 0) {
      return UploadRequest.receiveFirst(request, upload, id, leases, offset -> created.addHeader(uploadOffset(offset)));
    }
    upload.close();
    return unread(request, created);
  }

  private String newId() {
    byte[] id = new byte[ID_BYTES];
    random.nextBytes(id);
    return HexFormat.of().formatHex(id);
  }

  /** What PUT would be refused for is refused when an upload is begun, not when all of it has come. */
  private static VirtualPath creatable(VirtualFileSystem files, UploadMetadata metadata) throws VfsException {
    VirtualPath path = metadata.path();
    VirtualPath target;
    try {
      target = SegmentedUpload.target(files, path);
      if (!files.stat(target.parent()).isDirectory()) {
        throw RefusedException.conflict(target.parent() + " is no directory");
      }
    } catch (VfsException e) {
      throw e.error() == VfsError.NOT_FOUND
          ? RefusedException.conflict("the directory it is to be in does not exist") : StorageProblem.of(e);
    }
    if (exists(files, target)) {
      if (!metadata.overwrites()) {
        throw RefusedException.conflict(target + " is already there");
      }
    }
    return target;
  }

  private static boolean exists(VirtualFileSystem files, VirtualPath path) throws VfsException {
    try {
      files.canonical(path);
      return true;
    } catch (VfsException e) {
      return switch (e.error()) {
        case NOT_FOUND -> {
          if (isLink(files, path)) {
            throw RefusedException.conflict(path + " is a link that leads nowhere");
          }
          yield false;
        }
        case PERMISSION_DENIED -> false; // who may not look is told by what is asked for the upload itself
        default -> throw e;
      };
    }
  }

  /** Of what comes for a name that was taken since the upload was begun nothing would be of use. */
  private static void needName(VirtualFileSystem files, SegmentedUpload upload) throws VfsException {
    if (!upload.info().overwrites() && exists(files, upload.shown())) {
      throw upload.taken();
    }
    try {
      SegmentedUpload.needReplaceable(files, upload.shown());
    } catch (VfsException e) {
      throw e.error() == VfsError.PERMISSION_DENIED ? upload.taken() : e;
    }
  }

  private static boolean isLink(VirtualFileSystem files, VirtualPath path) {
    try {
      return files.lstat(path).isSymlink();
    } catch (VfsException e) {
      return false; // then no name is taken
    }
  }

  private CompletionStage<HttpResponse> withUpload(UserRequest request, String method) throws VfsException {
    String rest = request.path().substring(ROOT.length() + 1);
    int slash = rest.indexOf('/');
    String id = slash < 0 ? rest : rest.substring(0, slash);
    FileTarget target = FileTarget.beneath(ROOT + "/" + id, request.path());
    long offset = 0;
    if (method.equals("PATCH")) {
      needContentType(request);
      offset = number(new RequestHeaders(request.http()), "Upload-Offset");
    }
    Optional<HttpResponse> locked = method.equals("PATCH") ? LockCheck.refusal(request, locks, target.path()) : Optional.empty();
    if (locked.isPresent()) {
      return unread(request, locked.get());
    }
    SegmentedUpload upload = find(request, target, id);
    if (method.equals("PATCH")) {
      needUsable(request, upload, true);
      return UploadRequest.receive(request, upload, id, leases, offset, reached -> HttpResponse.create()
          .withStatus(StatusCodes.NO_CONTENT).addHeader(uploadOffset(reached)).addHeader(expires(clock.instant())));
    }
    try (upload) {
      if (method.equals("DELETE")) {
        UploadRequest.remove(upload, id, leases);
        return unread(request, HttpResponse.create().withStatus(StatusCodes.NO_CONTENT));
      }
      return unread(request, look(request, upload, id));
    }
  }

  private static SegmentedUpload find(UserRequest request, FileTarget target, String id) throws VfsException {
    Optional<SegmentedUpload> found = Optional.empty();
    try {
      if (SegmentedUpload.isId(id) && !target.isDirectory()) {
        VirtualPath path = SegmentedUpload.target(request.files(), target.path());
        found = SegmentedUpload.find(request.files(), path, request.login().user().name(), id);
      }
    } catch (VfsException e) {
      if (e.error() != VfsError.NOT_FOUND && e.error() != VfsError.NOT_A_DIRECTORY) {
        throw e;
      }
    }
    return found.orElseThrow(UploadsApi::unknown);
  }

  private static RefusedException unknown() {
    return RefusedException.notFound("there is no such upload; if it was complete, its file has its name");
  }

  /** @param isGoneOnWith whether more is to come of it; then it is closed if it is refused */
  private SegmentedUpload.State needUsable(UserRequest request, SegmentedUpload upload, boolean isGoneOnWith) throws VfsException {
    boolean isGood = false;
    try {
      SegmentedUpload.State state = upload.state();
      if (state.changed().plus(keep.get()).isBefore(clock.instant())) {
        throw new RefusedException(UploadRequest.expired());
      }
      if (state.hasGap()) {
        throw UploadRequest.notArrived();
      }
      if (isGoneOnWith) {
        needName(request.files(), upload);
      }
      isGood = true;
      return state;
    } finally {
      if (!isGood && isGoneOnWith) {
        upload.close();
      }
    }
  }

  private HttpResponse look(UserRequest request, SegmentedUpload upload, String id) throws VfsException {
    SegmentedUpload.State state = needUsable(request, upload, false);
    if (state.offset() == upload.info().length()) {
      // Clients take such an upload for done, so it has to be.
      UploadRequest.publish(request, upload, id, leases);
    }
    HttpResponse response = HttpResponse.create()
        .addHeader(uploadOffset(state.offset()))
        .addHeader(RawHeader.create("Upload-Length", Long.toString(upload.info().length())))
        .addHeader(expires(state.changed()));
    return upload.info().metadata().isEmpty()
        ? response : response.addHeader(RawHeader.create("Upload-Metadata", upload.info().metadata()));
  }

  private HttpHeader expires(Instant changed) {
    return RawHeader.create("Upload-Expires", HttpDate.format(changed.plus(keep.get())));
  }

  private static HttpHeader uploadOffset(long offset) {
    return RawHeader.create("Upload-Offset", Long.toString(offset));
  }

  private static void needContentType(UserRequest request) {
    if (!request.http().entity().getContentType().mediaType().toString().equals(CONTENT_TYPE)) {
      throw new RefusedException(
          Problem.of(415, "unsupported-body", "No such body is known here", "the Content-Type has to be " + CONTENT_TYPE));
    }
  }

  private static long number(RequestHeaders headers, String name) {
    String text = headers.value(name).orElseThrow(() -> RefusedException.malformed("the header " + name + " is missing")).strip();
    if (!text.matches("[0-9]{1,18}")) {
      throw RefusedException.malformed("the header " + name + " must be a whole number, 0 or more");
    }
    return Long.parseLong(text);
  }

  /** The status is one of tus alone. */
  static HttpResponse checksumMismatch() {
    return Problem.of(460, "checksum-mismatch", "The checksum is another", "what came was not what was sent; send it again")
        .toResponse();
  }

  @Override
  public void close() {
    leases.close();
  }
}
