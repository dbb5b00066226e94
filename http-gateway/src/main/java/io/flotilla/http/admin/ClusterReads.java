package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.model.EntityCodec;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** The cluster's state, as the primary sees it or, if it cannot be asked, as this node sees it. */
final class ClusterReads {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);
  private final AdminContext context;

  ClusterReads(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> cluster() {
    return context.client().clusterStatus(TIMEOUT)
        .exceptionally(failure -> context.localStatus().get())
        .thenApply(status -> Responses.json(200, json(status), status.version()));
  }

  HttpResponse live() {
    return Responses.json(200, EntityCodec.JSON.createObjectNode().put("status", "live"));
  }

  HttpResponse ready() {
    List<String> reasons = context.health().notReady();
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("status", reasons.isEmpty() ? "ready" : "not ready");
    reasons.forEach(json.putArray("reasons")::add);
    return Responses.json(reasons.isEmpty() ? 200 : 503, json);
  }

  private ObjectNode json(ClusterStatus status) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("version", status.version());
    json.put("digest", status.digest());
    json.put("epoch", status.epoch());
    json.put("answeredBy", context.node());
    ArrayNode members = json.putArray("members");
    for (ClusterStatus.Member member : status.members()) {
      ObjectNode one = members.addObject();
      one.put("name", member.name());
      one.put("address", member.address());
      member.roles().forEach(one.putArray("roles")::add);
      one.put("status", member.status());
      one.put("isPrimary", member.isPrimary());
      one.put("softwareVersion", member.softwareVersion());
      one.put("upSince", member.upSince() == 0 ? null : Instant.ofEpochMilli(member.upSince()).toString());
      one.put("version", member.version());
      one.put("digest", member.digest());
      one.put("state", member.state());
      member.reasons().forEach(one.putArray("reasons")::add);
      ObjectNode connections = one.putObject("connections");
      member.connections().forEach(connections::put);
    }
    return json;
  }
}
