package io.flotilla.http.files;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** A file is read: GET and HEAD (RFC 9110, 9.3.1, 13 and 14). */
final class FileDownload {
  /** What others uploaded must not act in the name of this server, so a browser runs nothing of it and fetches nothing for it. */
  private static final String CONTENT_SECURITY_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:";

  private final UserRequest request;
  private final RequestHeaders headers;
  private final VirtualPath path;
  private final boolean isInlineWanted;

  FileDownload(UserRequest request, VirtualPath path, boolean isInlineWanted) {
    this.request = request;
    this.headers = new RequestHeaders(request.http());
    this.path = path;
    this.isInlineWanted = isInlineWanted;
  }

  /** @param file taken over */
  HttpResponse answer(OpenFile file) throws VfsException {
    boolean isHandedOver = false;
    try {
      FileAttributes attributes = file.attributes();
      Representation current = Representation.of(attributes);
      Preconditions.Verdict verdict = Preconditions.of(headers::value).judge(Optional.of(current), true);
      switch (verdict) {
        case FAILED -> throw RefusedException.preconditionFailed("the file is not in the state that was asked for");
        case NOT_MODIFIED -> {
          return HttpResponse.create().withStatus(StatusCodes.NOT_MODIFIED).addHeaders(validators(current));
        }
        case PROCEED -> { }
      }
      boolean isHead = request.http().method().value().equals("HEAD");
      long size = attributes.size();
      ByteRange.Selection selection = isHead ? new ByteRange.Selection.Whole() : selection(current, size);
      FileType type = FileType.of(path.name());
      HttpResponse response = HttpResponse.create().addHeaders(validators(current)).addHeaders(contentHeaders(type));
      if (isHead) {
        return response.withEntity(headEntity(type.contentType(), size));
      }
      return switch (selection) {
        case ByteRange.Selection.Unsatisfiable _ -> throw new RefusedException(
            Problem.of(416, "range-not-satisfiable", "The file has no such part", "the file has " + size + " bytes"),
            RawHeader.create("Content-Range", "bytes */" + size));
        case ByteRange.Selection.Whole _ -> {
          isHandedOver = true;
          yield response.withEntity(send(type.contentType(), file, 0, size));
        }
        case ByteRange.Selection.Part(var range) -> {
          isHandedOver = true;
          yield response.withStatus(StatusCodes.PARTIAL_CONTENT)
              .addHeader(RawHeader.create("Content-Range", range.of(size)))
              .withEntity(send(type.contentType(), file, range.first(), range.length()));
        }
      };
    } finally {
      if (!isHandedOver) {
        file.abandon();
      }
    }
  }

  private ResponseEntity send(ContentType type, OpenFile file, long offset, long length) {
    return request.bodies().send(
        type, file, offset, length, request.transfers().began(path, ClientEvent.Direction.DOWNLOAD));
  }

  /** With the length that GET would have. */
  private static ResponseEntity headEntity(ContentType type, long size) {
    return size == 0
        ? HttpEntities.create(type, ByteString.emptyByteString()) : HttpEntities.create(type, size, Source.empty());
  }

  private ByteRange.Selection selection(Representation current, long size) {
    return headers.value("Range").filter(_ -> headers.value("If-Range").map(text -> isCurrent(text, current)).orElse(true))
        .map(text -> ByteRange.select(text, size)).orElseGet(ByteRange.Selection.Whole::new);
  }

  /** What If-Range says (RFC 9110, 13.1.5). */
  private static boolean isCurrent(String ifRange, Representation current) {
    Optional<EntityTag> tag = EntityTag.parse(ifRange);
    return tag.isPresent()
        ? current.tag().filter(tag.get()::isSame).isPresent()
        : HttpDate.parse(ifRange).filter(date -> current.modified().filter(date::equals).isPresent()).isPresent();
  }

  private static List<HttpHeader> validators(Representation current) {
    List<HttpHeader> list = new ArrayList<>();
    list.add(RawHeader.create("Cache-Control", "private, no-cache"));
    current.tag().ifPresent(tag -> list.add(RawHeader.create("ETag", tag.toString())));
    // A time to come must not be told (RFC 9110, 8.8.2.1).
    current.modified().filter(time -> !time.isAfter(Instant.now()))
        .ifPresent(time -> list.add(RawHeader.create("Last-Modified", HttpDate.format(time))));
    return list;
  }

  private List<HttpHeader> contentHeaders(FileType type) {
    return List.of(
        RawHeader.create("Accept-Ranges", "bytes"),
        RawHeader.create("Content-Security-Policy", CONTENT_SECURITY_POLICY),
        RawHeader.create("Content-Disposition",
            new ContentDisposition(isInlineWanted && type.isHarmless(), path.name()).toString()));
  }
}
