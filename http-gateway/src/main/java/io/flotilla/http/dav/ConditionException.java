package io.flotilla.http.dav;

import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;

/** A request that is answered with a condition it doesn't meet (RFC 4918, 16). It has no stack trace: it is an answer to a client. */
final class ConditionException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final int status;
  private final String condition;

  /** @param condition the element that names it, as XML */
  ConditionException(int status, String condition) {
    super(condition, null, false, false);
    this.status = status;
    this.condition = condition;
  }

  HttpResponse toResponse() {
    return MultiStatus.xml(HttpResponse.create().withStatus(StatusCodes.get(status)),
        "<D:error xmlns:D=\"DAV:\">" + condition + "</D:error>");
  }
}
