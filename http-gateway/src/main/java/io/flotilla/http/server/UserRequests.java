package io.flotilla.http.server;

import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** What is served to users who have logged in. Safe for all threads. */
public interface UserRequests {
  /** Answers a request; may block the calling (virtual) thread, and never throws but for a defect. */
  CompletionStage<HttpResponse> handle(UserRequest request);
}
