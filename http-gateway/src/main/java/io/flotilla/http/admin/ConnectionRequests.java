package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import java.util.Comparator;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Lists the client connections of all nodes, and ends one. */
final class ConnectionRequests {
  private static final Logger log = LoggerFactory.getLogger(ConnectionRequests.class);
  /** Its number on its node, and that node's name. */
  private static final Pattern ID = Pattern.compile("([0-9]{1,18})@(.+)");

  private final AdminContext context;

  ConnectionRequests(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> list(RequestParameters parameters) {
    ClusterConnections.Query query = new ClusterConnections.Query(
        parameters.text("node"), parameters.text("user"), parameters.text("protocol"));
    return context.connections().find(query).thenApply(listing -> {
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      ArrayNode items = json.putArray("items");
      listing.connections().stream()
          .sorted(Comparator.comparing((ClusterConnections.Found found) -> found.connection().since())
              .thenComparing(ClusterConnections.Found::node))
          .forEach(found -> describe(items.addObject(), found));
      listing.silent().forEach(json.putArray("silentNodes")::add);
      json.put("more", listing.more());
      return Responses.json(200, json);
    });
  }

  static void describe(ObjectNode json, ClusterConnections.Found found) {
    LiveConnections.Snapshot connection = found.connection();
    json.put("id", connection.id() + "@" + found.node()).put("node", found.node()).put("protocol", connection.protocol());
    json.put("user", connection.user()).put("address", connection.address()).put("since", connection.since().toString());
    connection.transfer().ifPresentOrElse(
        transfer -> json.putObject("transfer").put("path", transfer.path())
            .put("direction", transfer.direction().name().toLowerCase(Locale.ROOT)),
        () -> json.putNull("transfer"));
    json.put("bytes", connection.bytes());
  }

  CompletionStage<HttpResponse> close(Caller caller, String id) {
    if (!caller.admin().mayChange("users")) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not end connections"));
    }
    Matcher matcher = ID.matcher(id);
    if (!matcher.matches()) {
      throw new Problem.ProblemException(Problem.notFound("'" + id + "' is not a connection's id, such as 17@node-2"));
    }
    return context.connections().close(matcher.group(2), Long.parseLong(matcher.group(1)), "an administrator ended the connection")
        .thenApply(closing -> switch (closing) {
          case CLOSED -> {
            log.info("Connection {} was ended by {} from {}", id, caller.admin().name(), caller.address());
            yield Responses.json(200, EntityCodec.JSON.createObjectNode().put("id", id));
          }
          case NOT_FOUND -> Problem.notFound("there is no connection " + id + " any more").toResponse();
          case NODE_SILENT -> Problem.of(503, "node-silent", "The node does not answer",
              "node " + matcher.group(2) + " is not in the cluster, or did not answer; ask it itself, or try again").toResponse();
        });
  }
}
