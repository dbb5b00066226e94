package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Shows a node, drains it, has it take clients again, leave or restart. What is under way is accepted (202), what is so is done (200). */
final class NodeRequests {
  private static final Logger log = LoggerFactory.getLogger(NodeRequests.class);

  private final AdminContext context;

  NodeRequests(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> show(String node) {
    return context.nodes().look(node).thenApply(answer -> response(node, answer));
  }

  CompletionStage<HttpResponse> drain(Caller caller, RequestParameters parameters, String node) {
    return begin(caller, parameters, node, ClusterNodes.Purpose.DRAIN);
  }

  CompletionStage<HttpResponse> leave(Caller caller, RequestParameters parameters, String node) {
    return begin(caller, parameters, node, ClusterNodes.Purpose.LEAVE);
  }

  CompletionStage<HttpResponse> restart(Caller caller, RequestParameters parameters, String node) {
    return begin(caller, parameters, node, ClusterNodes.Purpose.RESTART);
  }

  private CompletionStage<HttpResponse> begin(
      Caller caller, RequestParameters parameters, String node, ClusterNodes.Purpose purpose) {
    requireOperator(caller);
    return context.nodes().begin(node, purpose, parameters.deadline(), parameters.flag("keepVote"), caller.admin().name())
        .thenApply(answer -> response(caller, word(purpose), node, answer));
  }

  CompletionStage<HttpResponse> resume(Caller caller, String node) {
    requireOperator(caller);
    return context.nodes().resume(node, caller.admin().name()).thenApply(answer -> response(caller, "resume", node, answer));
  }

  private static void requireOperator(Caller caller) {
    if (!caller.admin().mayDrain()) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not drain nodes, nor have them leave or restart"));
    }
  }

  private static HttpResponse response(Caller caller, String order, String node, ClusterNodes.Answer answer) {
    if (answer instanceof ClusterNodes.Told) {
      log.info("Node {} was told to {} by {} from {}", node, order, caller.admin().name(), caller.address());
    }
    return response(node, answer);
  }

  private static HttpResponse response(String node, ClusterNodes.Answer answer) {
    return switch (answer) {
      case ClusterNodes.Told told -> Responses.json(
          told.state().drain().filter(drain -> !drain.over()).isPresent() ? 202 : 200, json(node, told.state()));
      case ClusterNodes.Refused refused -> Problem.of(409, "refused", "Nothing was changed", refused.reason()).toResponse();
      case ClusterNodes.Unknown _ -> Problem.notFound("no node of the name '" + node + "' is in the cluster").toResponse();
      case ClusterNodes.Silent _ -> Problem.of(503, "node-silent", "The node does not answer", "node " + node + " did not answer, runs a "
          + "release that does not know this, or the node that was asked is in no cluster; ask it itself, or try again").toResponse();
    };
  }

  private static String word(ClusterNodes.Purpose purpose) {
    return purpose.name().toLowerCase(Locale.ROOT);
  }

  private static ObjectNode json(String node, ClusterNodes.State state) {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("name", node);
    json.put("state", state.drain().map(drain -> drain.over() ? "drained" : "draining").orElse("serving"));
    json.put("ready", state.notReady().isEmpty());
    state.notReady().forEach(json.putArray("reasons")::add);
    state.drain().ifPresentOrElse(drain -> json.putObject("drain").put("purpose", word(drain.purpose()))
        .put("since", drain.since().toString()).put("deadline", drain.deadline().toString()).put("by", drain.by())
        .put("trouble", drain.trouble().isEmpty() ? null : drain.trouble()),
        () -> json.putNull("drain"));
    json.put("remaining", state.remaining());
    ArrayNode connections = json.putArray("connections");
    state.connections().forEach(connection ->
        ConnectionRequests.describe(connections.addObject(), new ClusterConnections.Found(node, connection)));
    return json.put("more", state.more());
  }
}
