package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Shows and changes who votes. A change is accepted (202) before it is done (200); asking again for the same is harmless. */
final class VoterRequests {
  private static final Duration PATIENCE = Duration.ofSeconds(40);

  private final AdminContext context;

  VoterRequests(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> list() {
    return context.voters().get().list().thenApply(report -> Responses.json(200, json(report)));
  }

  CompletionStage<HttpResponse> add(Caller caller, RequestParameters parameters, byte[] body) {
    requireOperator(caller);
    return context.voters().get().add(name(body, "node"), parameters.timeout(PATIENCE)).thenApply(VoterRequests::answer);
  }

  CompletionStage<HttpResponse> remove(Caller caller, RequestParameters parameters, String node) {
    requireOperator(caller);
    return context.voters().get().remove(node, parameters.timeout(PATIENCE)).thenApply(VoterRequests::answer);
  }

  CompletionStage<HttpResponse> replace(Caller caller, RequestParameters parameters, String node, byte[] body) {
    requireOperator(caller);
    return context.voters().get().replace(node, name(body, "by"), parameters.timeout(PATIENCE)).thenApply(VoterRequests::answer);
  }

  CompletionStage<HttpResponse> forget(Caller caller, String node) {
    requireOperator(caller);
    return context.voters().get().forget(node).thenApply(VoterRequests::answer);
  }

  private static void requireOperator(Caller caller) {
    if (!caller.admin().mayOperate()) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not change who votes, nor forget nodes"));
    }
  }

  private static String name(byte[] body, String field) {
    ObjectNode json = JsonBody.object(body);
    if (json.size() != 1 || !json.path(field).isTextual()) {
      throw new Problem.ProblemException(Problem.malformed("the body must be {\"" + field + "\": NAME}"));
    }
    return json.get(field).textValue();
  }

  private static HttpResponse answer(Voters.Outcome outcome) {
    return switch (outcome) {
      case Voters.Settled settled -> Responses.json(200, json(settled.report()).put("state", "done"));
      case Voters.UnderWay underWay -> Responses.json(202, json(underWay.report()).put("state", "under-way"));
      case Voters.Refused refused -> Problem.of(409, "refused", "Nothing was changed", refused.reason()).toResponse();
      case Voters.Unknown unknown -> Problem.notFound(unknown.reason()).toResponse();
    };
  }

  private static ObjectNode json(Voters.Report report) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    ArrayNode list = json.putArray("voters");
    for (Voters.Voter voter : report.voters()) {
      ObjectNode one = list.addObject();
      one.put("node", voter.node()).put("raftAddress", voter.raftAddress()).put("peerId", voter.peerId());
      one.put("votes", voter.votes()).put("leader", voter.leader()).put("reachable", voter.reachable());
      number(one, "appliedIndex", voter.appliedIndex());
      number(one, "committedIndex", voter.committedIndex());
      number(one, "snapshotIndex", voter.snapshotIndex());
      number(one, "logBytes", voter.logBytes());
      one.put("wish", voter.wish().isEmpty() ? null : voter.wish());
    }
    json.put("warning", report.warning().orElse(null));
    return json;
  }

  static void number(ObjectNode json, String field, OptionalLong number) {
    json.put(field, number.isPresent() ? Long.valueOf(number.getAsLong()) : null);
  }
}
