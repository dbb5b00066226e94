package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.HistoryStatus;
import io.flotilla.config.model.EntityCodec;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** The cluster's state, as the primary sees it or, if it cannot be asked, as this node sees it. */
final class ClusterReads {
  private final AdminContext context;

  ClusterReads(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> cluster() {
    return ClusterSeen.by(context).thenApply(seen -> {
      ClusterStatus status = seen.status();
      ObjectNode json = json(status);
      json.set("journal", json(seen.journal()));
      json.set("history", json(Optional.ofNullable(status.history())));
      return Responses.json(200, json, status.version());
    });
  }

  private static ObjectNode json(Journal.Report report) {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("engine", report.engine());
    report.stored().ifPresent(stored -> {
      json.put("events", stored.events()).put("bytes", stored.eventBytes());
      json.put("oldestEvent", stored.oldest()).put("newestEvent", stored.highest());
      json.put("snapshots", stored.snapshots()).put("snapshotBytes", stored.snapshotBytes());
      stored.newest().ifPresentOrElse(snapshot -> json.putObject("lastSnapshot")
          .put("version", snapshot.sequenceNr()).put("at", Instant.ofEpochMilli(snapshot.timestamp()).toString())
          .put("bytes", snapshot.bytes()),
          () -> json.putNull("lastSnapshot"));
    });
    ArrayNode voters = json.putArray("voters");
    for (Journal.Voter voter : report.voters()) {
      ObjectNode one = voters.addObject().put("node", voter.node()).put("raftAddress", voter.raftAddress());
      one.put("reachable", voter.reachable());
      VoterRequests.number(one, "logBytes", voter.logBytes());
      VoterRequests.number(one, "snapshotBytes", voter.snapshotBytes());
    }
    return json.put("trouble", report.trouble().isEmpty() ? null : report.trouble());
  }

  /** Only the primary knows it. */
  private static JsonNode json(Optional<HistoryStatus> history) {
    return history.<JsonNode>map(known -> EntityCodec.JSON.createObjectNode()
        .put("oldest", known.oldestVersion()).put("changes", known.changes()).put("maxChanges", known.maxChanges())
        .put("bytes", known.bytes()).put("maxBytes", known.maxBytes()).put("lookups", known.lookups()))
        .orElseGet(NullNode::getInstance);
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
