package io.flotilla.http.dav;

import io.flotilla.http.server.FileBodies;
import io.flotilla.http.server.ProducedBody;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.List;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpCharsets;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.util.ByteString;

/** An answer about several resources or properties (RFC 4918, 13). Used by one thread. */
final class MultiStatus {
  private static final ContentType CONTENT_TYPE = MediaTypes.APPLICATION_XML.toContentType(HttpCharsets.UTF_8);
  private static final String DECLARATION = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();

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

  void add(String href, List<PropStat> propStats) {
    StringBuilder xml = new StringBuilder("<D:response><D:href>").append(XmlText.content(href)).append("</D:href>");
    for (PropStat propStat : propStats) {
      xml.append("<D:propstat><D:prop>");
      propStat.elements().forEach(xml::append);
      xml.append("</D:prop><D:status>").append(statusLine(propStat.status())).append("</D:status>").append(propStat.detail())
          .append("</D:propstat>");
    }
    put(xml.append("</D:response>\n").toString());
  }

  private void put(String xml) {
    out.writeBytes(xml.getBytes(StandardCharsets.UTF_8));
  }

  private static String statusLine(int status) {
    return "HTTP/1.1 " + status + " " + StatusCodes.get(status).reason();
  }

  /** How much there is to be taken, in bytes. */
  int size() {
    return out.size();
  }

  /** What was added since the last time. */
  ByteString take() {
    ByteString taken = ByteString.fromArrayUnsafe(out.toByteArray());
    out.reset();
    return taken;
  }

  void end() {
    put("</D:multistatus>\n");
  }

  HttpResponse toResponse() {
    end();
    return response(HttpEntities.create(CONTENT_TYPE, take()));
  }

  /** @param body makes such an answer part by part */
  static HttpResponse toResponse(FileBodies bodies, ProducedBody body) {
    return response(bodies.produce(CONTENT_TYPE, body));
  }

  private static HttpResponse response(ResponseEntity entity) {
    return HttpResponse.create().withStatus(StatusCodes.MULTI_STATUS).withEntity(entity);
  }

  /** A response with a document of another kind. */
  static HttpResponse xml(HttpResponse response, String xml) {
    return response.withEntity(HttpEntities.create(CONTENT_TYPE, ByteString.fromString(DECLARATION + xml + "\n")));
  }
}
