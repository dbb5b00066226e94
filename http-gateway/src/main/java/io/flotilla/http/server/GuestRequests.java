package io.flotilla.http.server;

import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** What is served to whoever comes, without a login. Safe for all threads; nothing blocks. */
public interface GuestRequests {
  /**
   * Answers a request, if its path is one of this.
   *
   * @param path as it was sent, without its query
   * @param isOpen whether the listener serves guests
   */
  Optional<HttpResponse> answer(HttpRequest request, String path, boolean isOpen);

  /** What a request that needs a login and has none is told instead of that, by a listener that serves guests. */
  Optional<HttpResponse> welcome(HttpRequest request, String path);
}
