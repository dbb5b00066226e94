package io.flotilla.http.admin;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.util.ByteString;

/** The description of the admin API and of the file API (OpenAPI 3.1), which is packaged with this class. Safe for all threads. */
final class OpenApi {
  static final String RESOURCE = "openapi.yaml";
  /** RFC 9512, which knows no charset: it is UTF-8. */
  private static final ContentType CONTENT_TYPE = MediaTypes.customBinary("application", "yaml", true).toContentType();

  private final ByteString text;

  OpenApi() {
    try (InputStream resource = OpenApi.class.getResourceAsStream(RESOURCE)) {
      if (resource == null) {
        throw new IllegalStateException("the resource " + RESOURCE + " is missing beside " + OpenApi.class.getName() + "; build anew");
      }
      this.text = ByteString.fromArray(resource.readAllBytes());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  HttpResponse show() {
    return HttpResponse.create().withEntity(HttpEntities.create(CONTENT_TYPE, text));
  }
}
