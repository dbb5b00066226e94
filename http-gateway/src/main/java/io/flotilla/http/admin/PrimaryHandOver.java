package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Which node is the primary, and making another one the primary. */
final class PrimaryHandOver {
  private static final Duration STATUS_TIMEOUT = Duration.ofSeconds(1);
  private static final Executor SOON = CompletableFuture.delayedExecutor(100, TimeUnit.MILLISECONDS);

  private final AdminContext context;

  PrimaryHandOver(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> show() {
    return primary().thenApply(primary -> {
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      json.put("node", primary.orElse(null));
      return Responses.json(200, json);
    });
  }

  /** Answers when the node is the primary (200), or with what is under way when the time is over (202). */
  CompletionStage<HttpResponse> designate(Caller caller, RequestParameters parameters, byte[] body) {
    if (!caller.admin().mayOperate()) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not move the primary"));
    }
    ObjectNode json = JsonBody.object(body);
    if (json.size() != 1 || !json.path("node").isTextual()) {
      throw new Problem.ProblemException(Problem.malformed("the body must be {\"node\": NAME}"));
    }
    String node = json.get("node").textValue();
    long begun = System.nanoTime();
    long deadline = begun + parameters.timeout(Duration.ofSeconds(40)).toNanos();
    return context.control().designatePrimary(node).thenCompose(refusal -> {
      if (refusal.isPresent()) {
        throw new Problem.ProblemException(Problem.of(409, "refused", "The primary stays where it is", refusal.get()));
      }
      return await(node, begun, deadline);
    });
  }

  private CompletionStage<HttpResponse> await(String node, long begun, long deadline) {
    return primary().thenCompose(primary -> {
      boolean done = primary.filter(node::equals).isPresent();
      if (done || System.nanoTime() > deadline) {
        ObjectNode json = EntityCodec.JSON.createObjectNode();
        json.put("node", node).put("state", done ? "primary" : "handing-over")
            .put("milliseconds", (System.nanoTime() - begun) / 1_000_000);
        return CompletableFuture.completedFuture(Responses.json(done ? 200 : 202, json));
      }
      return CompletableFuture.supplyAsync(() -> await(node, begun, deadline), SOON).thenCompose(next -> next);
    });
  }

  /** Nobody, while none can be asked. */
  private CompletionStage<Optional<String>> primary() {
    return context.client().clusterStatus(STATUS_TIMEOUT)
        .handle((status, failure) -> (failure == null ? status.members() : List.<ClusterStatus.Member>of()).stream()
            .filter(ClusterStatus.Member::isPrimary).map(ClusterStatus.Member::name).findFirst());
  }
}
