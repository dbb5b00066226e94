package io.flotilla.http.server;

import java.util.Set;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** What is served to users who have logged in. Safe for all threads. */
public interface UserRequests {
  /** Answers a request; may block the calling (virtual) thread, and never throws but for a defect. */
  CompletionStage<HttpResponse> handle(UserRequest request);

  /** Whether a request may change something, so that no other site may have a browser make it. */
  default boolean changes(HttpRequest request) {
    return !UNCHANGING.contains(request.method().value());
  }

  /** Methods that are safe (RFC 9110, 9.2.1; RFC 4918, 9.1). */
  Set<String> UNCHANGING = Set.of("GET", "HEAD", "OPTIONS", "PROPFIND");
}
