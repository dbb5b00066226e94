package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.StoredEntity;
import java.time.Duration;
import java.util.Collection;
import java.util.Locale;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Reading the configuration from this node's own view, and its history from the primary. */
final class ConfigReads {
  static final int DEFAULT_LIMIT = 100;
  static final int MAX_LIMIT = 1_000;
  private static final Duration HISTORY_TIMEOUT = Duration.ofSeconds(5);

  private final AdminContext context;

  /** How a list is cut. */
  record Page(int limit, String after, String query) {}

  ConfigReads(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> everything(RequestParameters parameters) {
    Page page = parameters.page();
    return parameters.atVersion(context.live()).thenApply(view -> {
      ClusterConfig config = view.config();
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      json.put("version", config.version());
      json.put("digest", config.digest().toString());
      ObjectNode kinds = json.putObject("entities");
      for (Kind kind : Kind.values()) {
        fill(kinds.putObject(kind.id()), config.ofKind(kind.id(), page.after()), page)
            .put("count", config.ofKind(kind).size());
      }
      return Responses.withEntityTag(Responses.json(200, json, config.version()), config.version());
    });
  }

  CompletionStage<HttpResponse> list(String kind, RequestParameters parameters) {
    requireKind(kind);
    Page page = parameters.page();
    return parameters.atVersion(context.live()).thenApply(view -> {
      ClusterConfig config = view.config();
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      json.put("kind", kind);
      json.put("version", config.version());
      fill(json, config.ofKind(kind, page.after()), page);
      return Responses.withEntityTag(Responses.json(200, json, config.version()), config.version());
    });
  }

  CompletionStage<HttpResponse> one(EntityKey key, RequestParameters parameters) {
    requireKind(key.kind());
    return parameters.atVersion(context.live()).thenApply(view -> {
      StoredEntity stored = view.config().stored(key)
          .orElseThrow(() -> new Problem.ProblemException(Problem.notFound(key + " does not exist")));
      return Responses.withEntityTag(
          Responses.json(200, describe(stored), view.config().version()), stored.version());
    });
  }

  CompletionStage<HttpResponse> history(RequestParameters parameters) {
    long before = parameters.number("before", 1, Long.MAX_VALUE, Long.MAX_VALUE);
    int limit = (int) parameters.number("limit", 1, MAX_LIMIT, 20);
    return context.client().history(before == Long.MAX_VALUE ? before : before - 1, limit, HISTORY_TIMEOUT)
        .thenApply(history -> {
          ObjectNode json = EntityCodec.JSON.createObjectNode();
          json.put("version", history.headVersion());
          json.put("oldest", history.oldestVersion());
          ArrayNode changes = json.putArray("changes");
          for (int i = 0; i < history.changes().size(); i++) {
            changes.add(describe(history.changes().get(i), history.entityCounts().get(i)));
          }
          return Responses.json(200, json, history.headVersion());
        });
  }

  CompletionStage<HttpResponse> change(String id) {
    return context.client().findChange(id, HISTORY_TIMEOUT).thenApply(found -> {
      if (found.version() == 0) {
        throw new Problem.ProblemException(Problem.notFound("no committed change has the id " + id));
      }
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      json.put("id", id).put("state", "committed").put("version", found.version());
      return Responses.json(200, json, found.version());
    });
  }

  static void requireKind(String kind) {
    if (Kind.of(kind).isEmpty()) {
      throw new Problem.ProblemException(Problem.notFound(
          "'" + kind + "' is not a kind of entity; known are " + Kind.known()));
    }
  }

  private static ObjectNode fill(ObjectNode json, Collection<StoredEntity> entities, Page page) {
    ArrayNode items = json.putArray("items");
    json.putNull("next");
    for (StoredEntity stored : entities) {
      if (!page.query().isEmpty() && !stored.key().name().toLowerCase(Locale.ROOT).contains(page.query())) {
        continue;
      }
      if (items.size() == page.limit()) {
        json.put("next", items.get(items.size() - 1).get("name").textValue());
        break;
      }
      items.add(describe(stored));
    }
    return json;
  }

  private static ObjectNode describe(StoredEntity stored) {
    return EntityCodec.describe(stored.entity()).put("version", stored.version());
  }

  private static JsonNode describe(ConfigChanged change, int entityCount) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("version", change.version());
    json.put("id", change.id());
    json.put("at", change.at().toString());
    json.put("who", change.author().who());
    json.put("from", change.author().address());
    json.put("node", change.author().node());
    json.put("comment", change.comment());
    json.put("operationCount", entityCount);
    ArrayNode operations = json.putArray("operations");
    for (EntityChange entity : change.changes()) {
      ObjectNode operation = operations.addObject();
      operation.put("op", entity.after() == null ? "delete" : "put");
      operation.put("kind", entity.kind());
      operation.put("name", entity.name());
      operation.set("before", EntityCodec.withoutSecrets(entity.kind(), entity.before()).orElse(null));
      operation.set("after", EntityCodec.withoutSecrets(entity.kind(), entity.after()).orElse(null));
    }
    return json;
  }

  static ConfigPrimary.NodeProgress unknownProgress() {
    return new ConfigPrimary.NodeProgress("catching-up", -1, java.util.List.of());
  }
}
