package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import io.flotilla.http.sessions.SessionRecord;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists the HTTP sessions of the cluster, and ends them. An id is a hash, with which nobody can log in. */
final class SessionRequests {
  private static final Logger log = LoggerFactory.getLogger(SessionRequests.class);
  private static final int MAX_LISTED = 1000;
  private static final int LISTED = 200;
  private static final String REASON = "an administrator ended it";

  private final AdminContext context;

  SessionRequests(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> list(RequestParameters parameters) {
    int limit = (int) parameters.number("limit", 1, MAX_LISTED, LISTED);
    String after = parameters.text("after").orElse("");
    List<SessionRecord> found = of(parameters.text("user")).stream().filter(session -> position(session).compareTo(after) > 0).toList();
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    ArrayNode items = json.putArray("items");
    found.stream().limit(limit).forEach(session -> items.addObject().put("id", session.id()).put("user", session.user())
        .put("use", session.use().name().toLowerCase(Locale.ROOT)).put("node", session.node()).put("address", session.address())
        .put("since", Instant.ofEpochMilli(session.created()).toString())
        .put("lastUsed", Instant.ofEpochMilli(session.lastUsed()).toString())
        .put("expiresAt", Instant.ofEpochMilli(session.expires()).toString()));
    json.put("next", found.size() > limit ? position(found.get(limit - 1)) : null);
    return CompletableFuture.completedFuture(Responses.json(200, json));
  }

  private List<SessionRecord> of(Optional<String> user) {
    return context.sessions().list().stream().filter(session -> user.map(session.user()::equals).orElse(true)).toList();
  }

  /** As text in the order of the list. */
  private static String position(SessionRecord session) {
    return String.format(Locale.ROOT, "%016d-%s", session.created(), session.id());
  }

  CompletionStage<HttpResponse> end(Caller caller, String id) {
    requireRight(caller);
    return context.sessions().end(id, REASON).thenApply(wasThere -> {
      if (!wasThere) {
        throw new Problem.ProblemException(Problem.notFound("there is no session " + id + " any more"));
      }
      log.info("The HTTP session {} was ended by {} from {}", id, caller.admin().name(), caller.address());
      return Responses.json(200, EntityCodec.JSON.createObjectNode().put("id", id));
    });
  }

  /** All sessions of a user. */
  CompletionStage<HttpResponse> endOf(Caller caller, RequestParameters parameters) {
    requireRight(caller);
    String user = parameters.text("user").orElseThrow(() -> new Problem.ProblemException(
        Problem.malformed("whose sessions are to end is said by the parameter user")));
    List<CompletableFuture<Boolean>> told = of(Optional.of(user)).stream()
        .map(session -> context.sessions().end(session.id(), REASON).toCompletableFuture()).toList();
    return CompletableFuture.allOf(told.toArray(CompletableFuture[]::new)).thenApply(_ -> {
      log.info("The {} HTTP sessions of user {} were ended by {} from {}", told.size(), user, caller.admin().name(), caller.address());
      return Responses.json(200, EntityCodec.JSON.createObjectNode().put("user", user).put("ended", told.size()));
    });
  }

  private static void requireRight(Caller caller) {
    if (!caller.admin().mayChange("users")) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not end sessions"));
    }
  }
}
