package io.flotilla.http;

import org.apache.pekko.event.LoggingAdapter;
import org.apache.pekko.http.ParsingErrorHandler;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.scaladsl.model.ErrorInfo;
import org.apache.pekko.http.scaladsl.model.StatusCode;
import org.apache.pekko.http.scaladsl.settings.ServerSettings;

/** Tells also as a problem what is too malformed to become a request. Pekko HTTP finds it by its name and MODULE$. */
public final class ProblemErrorHandler extends ParsingErrorHandler {
  public static final ProblemErrorHandler MODULE$ = new ProblemErrorHandler();

  private ProblemErrorHandler() {}

  @Override
  public HttpResponse handle(StatusCode status, ErrorInfo error, LoggingAdapter log, ServerSettings settings) {
    return Problem.of(status.intValue(), "malformed", "The request is malformed", error.summary()).toResponse();
  }
}
