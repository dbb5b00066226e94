package io.flotilla.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Refusal;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.StatusCode;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/** An error as RFC 9457 (application/problem+json) tells it. */
public record Problem(int status, String type, String title, String detail, List<FieldError> errors,
    Map<String, String> nodes, String changeId) {
  private static final org.apache.pekko.http.javadsl.model.ContentType CONTENT_TYPE =
      MediaTypes.applicationWithFixedCharset("problem+json", org.apache.pekko.http.javadsl.model.HttpCharsets.UTF_8)
          .toContentType();

  public static Problem of(int status, String type, String title, String detail) {
    return new Problem(status, type, title, detail, List.of(), Map.of(), "");
  }

  public static Problem malformed(String detail) {
    return of(400, "malformed", "The request is malformed", detail);
  }

  public static Problem notFound(String detail) {
    return of(404, "not-found", "There is no such thing", detail);
  }

  public static Problem of(Refusal refusal, List<FieldError> errors) {
    return switch (refusal.reason()) {
      case INVALID -> new Problem(
          422, "invalid", "The configuration would be invalid", refusal.detail(), errors, Map.of(), "");
      case NOT_FOUND -> notFound(refusal.detail());
      case STALE -> of(412, "stale", "The entity has changed", refusal.detail());
      case CONFLICT -> of(409, "conflict", "The change is refused", refusal.detail());
      case NOT_PREPARED -> new Problem(409, "not-prepared", "A node could not apply the change",
          refusal.detail() + ". Nothing was changed; mend it there, or repeat the change with force=true",
          List.of(), refusal.nodes(), "");
    };
  }

  public Problem aboutChange(String id) {
    return new Problem(status, type, title, detail, errors, nodes, id);
  }

  /** Some are not of HTTP itself, but of what is built on it. */
  private static StatusCode status(int number, String title) {
    return StatusCodes.lookup(number).orElseGet(() -> StatusCodes.custom(number, title, title, false, true));
  }

  public HttpResponse toResponse() {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("type", "urn:flotilla:problem:" + type);
    json.put("title", title);
    json.put("status", status);
    json.put("detail", detail);
    if (!changeId.isEmpty()) {
      json.put("id", changeId);
    }
    if (!errors.isEmpty()) {
      ArrayNode list = json.putArray("errors");
      errors.forEach(error -> list.addObject().put("pointer", error.pointer()).put("detail", error.detail()));
    }
    if (!nodes.isEmpty()) {
      new TreeMap<>(nodes).forEach(json.putObject("nodes")::put);
    }
    HttpResponse response = HttpResponse.create()
        .withStatus(status(status, title))
        .withEntity(org.apache.pekko.http.javadsl.model.HttpEntities.create(CONTENT_TYPE,
            org.apache.pekko.util.ByteString.fromString(json.toString())));
    return switch (status) {
      case 401 -> response.addHeader(RawHeader.create("WWW-Authenticate", "Bearer realm=\"flotilla\""));
      case 503 -> response.addHeader(RawHeader.create("Retry-After", "1"));
      default -> response;
    };
  }

  /** Carries a problem out of nested calls. */
  public static final class ProblemException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Problem problem;

    public ProblemException(Problem problem) {
      super(problem.detail());
      this.problem = problem;
    }

    public Problem problem() {
      return problem;
    }
  }
}
