package io.flotilla.http.server;

import java.util.OptionalLong;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.Materializer;

/** The body of a request that nobody has read. Stateless. */
public final class UnreadBody {
  /** What it costs less to receive than to connect again. */
  private static final long MAX_DISCARDED_BYTES = 64 * 1024;

  private UnreadBody() {}

  /** The response with what it needs for the connection to go on, or to end. */
  public static HttpResponse leftBy(HttpRequest request, Materializer materializer, HttpResponse response) {
    OptionalLong length = request.entity().getContentLengthOption();
    if (length.isPresent() && length.getAsLong() <= MAX_DISCARDED_BYTES) {
      request.discardEntityBytes(materializer);
      return response;
    }
    return response.addHeader(Connection.create("close"));
  }
}
