package io.flotilla.http;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpMessage;

/** The headers of a request as they were sent, so that what is malformed means here what the RFC says it means. */
public record RequestHeaders(HttpMessage message) {
  /** The value of a field; several lines of it are one list (RFC 9110, 5.3). */
  public Optional<String> value(String name) {
    List<String> lines = new ArrayList<>();
    for (HttpHeader header : message.getHeaders()) {
      if (header.name().equalsIgnoreCase(name)) {
        lines.add(header.value());
      }
    }
    return lines.isEmpty() ? Optional.empty() : Optional.of(String.join(", ", lines));
  }
}
