package io.flotilla.http;

import java.util.List;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** A request that is answered with a problem. It has no stack trace: it is an answer to a client, no defect. */
public final class RefusedException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final transient Problem problem;
  private final transient List<HttpHeader> headers;

  public RefusedException(Problem problem, HttpHeader... headers) {
    super(problem.detail(), null, false, false);
    this.problem = problem;
    this.headers = List.of(headers);
  }

  public static RefusedException malformed(String detail) {
    return new RefusedException(Problem.of(400, "malformed", "The request is malformed", detail));
  }

  public static RefusedException forbidden(String detail) {
    return new RefusedException(Problem.of(403, "forbidden", "This is not allowed", detail));
  }

  public static RefusedException notFound(String detail) {
    return new RefusedException(Problem.of(404, "not-found", "There is no such thing", detail));
  }

  public static RefusedException conflict(String detail, HttpHeader... headers) {
    return new RefusedException(Problem.of(409, "conflict", "This can't be done as things are", detail), headers);
  }

  public static RefusedException preconditionFailed(String detail) {
    return new RefusedException(Problem.of(412, "precondition-failed", "A condition of the request is not met", detail));
  }

  public static RefusedException tooLarge(String detail) {
    return new RefusedException(Problem.of(413, "too-large", "It is too large", detail));
  }

  public HttpResponse toResponse() {
    return problem.toResponse().addHeaders(headers);
  }
}
