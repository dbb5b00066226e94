package io.flotilla.http.dav;

import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.util.ByteString;

/** An answer about several resources or properties (RFC 4918, 13). Used by one thread. */
final class MultiStatus {
  private static final ContentType CONTENT_TYPE = MediaTypes.APPLICATION_XML.toContentType(HttpCharsets.UTF_8);
  private static final String DECLARATION = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
  /** It is held in memory until it has been sent. */
  private static final int MAX_BYTES = 16 * 1024 * 1024;
  private static final int MAX_RESOURCES = 20_000;

  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private int resources;

  MultiStatus() {
    put(DECLARATION + "<D:multistatus xmlns:D=\"DAV:\">\n");
  }

  /**
   * Properties for which the same is told.
   *
   * @param elements as XML
   * @param detail what else is told, as XML; perhaps nothing
   */
  record PropStat(int status, List<String> elements, String detail) {}

  /** @throws RefusedException with 507 if it becomes more than is answered at once */
  void add(String href, List<PropStat> propStats) {
    StringBuilder xml = new StringBuilder("<D:response><D:href>").append(XmlText.content(href)).append("</D:href>");
    for (PropStat propStat : propStats) {
      xml.append("<D:propstat><D:prop>");
      propStat.elements().forEach(xml::append);
      xml.append("</D:prop><D:status>").append(statusLine(propStat.status())).append("</D:status>").append(propStat.detail())
          .append("</D:propstat>");
    }
    put(xml.append("</D:response>\n").toString());
    if (++resources > MAX_RESOURCES || out.size() > MAX_BYTES) {
      throw new RefusedException(Problem.of(507, "too-many-entries", "That is too much for one answer",
          "the directory has more than " + MAX_RESOURCES + " entries, or more is asked of them than " + (MAX_BYTES >> 20)
              + " MiB hold; ask for fewer properties, or list it by GET, page by page"));
    }
  }

  private void put(String xml) {
    out.writeBytes(xml.getBytes(StandardCharsets.UTF_8));
  }

  private static String statusLine(int status) {
    return "HTTP/1.1 " + status + " " + StatusCodes.get(status).reason();
  }

  HttpResponse toResponse() {
    put("</D:multistatus>\n");
    return HttpResponse.create().withStatus(StatusCodes.MULTI_STATUS)
        .withEntity(HttpEntities.create(CONTENT_TYPE, ByteString.fromArrayUnsafe(out.toByteArray())));
  }

  /** A response with a document of another kind. */
  static HttpResponse xml(HttpResponse response, String xml) {
    return response.withEntity(HttpEntities.create(CONTENT_TYPE, ByteString.fromString(DECLARATION + xml + "\n")));
  }
}
