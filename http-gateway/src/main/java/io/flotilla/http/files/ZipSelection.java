package io.flotilla.http.files;

import io.flotilla.http.FormFields;
import io.flotilla.http.PercentEncoding;
import io.flotilla.http.Problem;
import io.flotilla.http.QueryParameters;
import io.flotilla.http.RefusedException;
import io.flotilla.http.StorageProblem;
import io.flotilla.http.server.FileBodies;
import io.flotilla.http.server.UserRequest;
import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.util.ByteString;
import org.apache.pekko.stream.javadsl.Source;

/** Entries of a directory are asked for as one archive: GET with their names in the query, or POST with them in a form. Stateless. */
final class ZipSelection {
  static final String ZIP = "zip";
  private static final String NAME = "name";
  /** A name once more percent-encoded, as listings have it: what a browser sends in a form is text, which a name need not be. */
  private static final String ENCODED_NAME = "encodedName";
  private static final int MAX_FORM_BYTES = 512 * 1024;

  private ZipSelection() {}

  /** GET and HEAD. */
  static HttpResponse get(UserRequest request, FileTarget target) throws VfsException {
    QueryParameters parameters = QueryParameters.of(request.http(), Set.of(ZIP, NAME));
    needFlag(parameters);
    return answer(request, target.path(), parameters.all(NAME));
  }

  /** POST. Answers when the form has been received. */
  static CompletionStage<HttpResponse> post(UserRequest request, FileTarget target) {
    needFlag(QueryParameters.of(request.http(), Set.of(ZIP)));
    if (!request.http().entity().getContentType().mediaType().equals(MediaTypes.APPLICATION_X_WWW_FORM_URLENCODED)) {
      throw new RefusedException(Problem.of(415, "unsupported-body", "No such body is known here",
          "the names are sent as application/x-www-form-urlencoded"));
    }
    return request.bodies().collect(request.http(), MAX_FORM_BYTES).thenApply(collected -> switch (collected) {
      case FileBodies.Collected.Whole(var body) -> answer(request, target, body);
      // What else comes of the body is no request.
      case FileBodies.Collected.Refused(var refusal) -> refusal.toResponse().addHeader(Connection.create("close"));
    });
  }

  private static HttpResponse answer(UserRequest request, FileTarget target, ByteString form) {
    try {
      return answer(request, target.path(), names(form.decodeString(StandardCharsets.ISO_8859_1)));
    } catch (RefusedException e) {
      return e.toResponse();
    } catch (VfsException e) {
      return StorageProblem.of(e).toResponse();
    }
  }

  private static void needFlag(QueryParameters parameters) {
    if (!parameters.flag(ZIP)) {
      throw RefusedException.malformed("the parameter zip has to be true here");
    }
  }

  private static List<String> names(String form) {
    List<FormFields.Field> fields;
    try {
      fields = FormFields.parse(form);
    } catch (IllegalArgumentException e) {
      throw RefusedException.malformed("the form is not well formed: " + e.getMessage());
    }
    return fields.stream().map(ZipSelection::name).toList();
  }

  private static String name(FormFields.Field field) {
    return switch (field.name()) {
      case NAME -> field.value();
      case ENCODED_NAME -> decoded(field.value());
      default -> throw RefusedException.malformed("'" + field.name() + "' is not a field here; known are " + NAME + " and " + ENCODED_NAME);
    };
  }

  private static String decoded(String name) {
    try {
      return ByteNames.decode(PercentEncoding.decode(name));
    } catch (IllegalArgumentException e) {
      throw RefusedException.malformed("'" + name + "' is no percent-encoded name: " + e.getMessage());
    }
  }

  /** All that was named is looked at before the head of the answer goes out, since after it there is no way to refuse. */
  private static HttpResponse answer(UserRequest request, VirtualPath directory, List<String> names) throws VfsException {
    VirtualFileSystem files = request.files();
    if (!files.stat(directory).isDirectory()) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, directory);
    }
    Set<String> selected = new LinkedHashSet<>(names);
    for (String name : selected) {
      request.checkIsWanted();
      needReadable(files, entry(directory, name));
    }
    String archive = (directory.isRoot() ? "files" : directory.name()) + ".zip";
    HttpResponse response = HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "private, no-cache"))
        .addHeader(RawHeader.create("Content-Disposition", new ContentDisposition(false, archive).toString()));
    if (request.http().method().value().equals("HEAD")) {
      return response.withEntity(HttpEntities.createChunked(ContentTypes.create(MediaTypes.APPLICATION_ZIP), Source.empty()));
    }
    ZipDownload zip = names.isEmpty()
        ? ZipDownload.ofAll(request, directory) : ZipDownload.of(request, directory, List.copyOf(selected));
    return response.withEntity(request.bodies().produce(ContentTypes.create(MediaTypes.APPLICATION_ZIP), zip));
  }

  private static VirtualPath entry(VirtualPath directory, String name) throws VfsException {
    if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
      throw RefusedException.malformed("a name must be that of an entry of the directory");
    }
    return directory.child(name);
  }

  private static void needReadable(VirtualFileSystem files, VirtualPath path) throws VfsException {
    FileAttributes entry = files.lstat(path);
    FileAttributes.Kind kind = entry.isSymlink()
        ? ZipDownload.target(files, path).map(FileAttributes::kind).orElse(FileAttributes.Kind.OTHER) : entry.kind();
    if (kind == FileAttributes.Kind.FILE) {
      files.open(path, OpenMode.READ, 0).abandon();
    } else if (kind == FileAttributes.Kind.DIRECTORY && !entry.isSymlink()) {
      files.list(path).close();
    } else {
      throw RefusedException.conflict(path + " is neither a file nor a directory, so it can't be in a ZIP");
    }
  }
}
