package io.flotilla.http.server;

import java.util.OptionalLong;
import java.util.Set;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.Materializer;

/** The body of a request that nobody reads. Stateless. */
public final class UnreadBody {
  /** What it costs less to receive than to connect again. */
  private static final long MAX_DISCARDED_BYTES = 64 * 1024;

  /** Methods that do something with a body. */
  private static final Set<String> READING = Set.of("PUT", "POST", "PATCH", "PROPFIND", "PROPPATCH", "LOCK");
  /** Of a body that nobody has a use for. */
  static final int MAX_USELESS_BYTES = 16 * 1024;

  private UnreadBody() {}

  /**
   * Whether the request has a body that its method gives no meaning (RFC 9110, 9.3.1), and that is still to come. It is taken before
   * anything is done: who is told of a success while still sending may not hear it, and Pekko logs a warning of each.
   */
  static boolean isUseless(HttpRequest request) {
    return !READING.contains(request.method().value()) && !(request.entity() instanceof HttpEntity.Strict);
  }

  /** A refusal with what it needs for the connection to go on, or to end. */
  public static HttpResponse leftBy(HttpRequest request, Materializer materializer, HttpResponse response) {
    OptionalLong length = request.entity().getContentLengthOption();
    if (length.isPresent() && length.getAsLong() <= MAX_DISCARDED_BYTES) {
      request.discardEntityBytes(materializer);
      return response;
    }
    return response.addHeader(Connection.create("close"));
  }
}
