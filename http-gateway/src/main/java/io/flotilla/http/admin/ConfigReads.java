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
import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reading the configuration from this node's own view, and its history from the primary. */
final class ConfigReads {
  static final int DEFAULT_LIMIT = 100;
  static final int MAX_LIMIT = 1_000;
  private static final Duration HISTORY_TIMEOUT = Duration.ofSeconds(5);

  private static final Logger log = LoggerFactory.getLogger(ConfigReads.class);

  private final AdminContext context;
  private final PastVersions past;

  /** How a list is cut. */
  record Page(int limit, String after, String query) {}

  ConfigReads(AdminContext context, PastVersions past) {
    this.context = context;
    this.past = past;
  }

  CompletionStage<HttpResponse> everything(RequestParameters parameters) {
    Page page = parameters.page();
    return parameters.atVersion(context.live()).thenApply(view -> {
      ClusterConfig config = view.config();
      return Responses.withEntityTag(
          Responses.json(200, everything(config, page, List.of(Kind.values())), config.version()), config.version());
    });
  }

  private static ObjectNode everything(ClusterConfig config, Page page, List<Kind> kinds) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("version", config.version());
    json.put("digest", config.digest().toString());
    ObjectNode entities = json.putObject("entities");
    for (Kind kind : kinds) {
      fill(entities.putObject(kind.id()), config.ofKind(kind.id(), page.after()), page)
          .put("count", config.ofKind(kind).size());
    }
    return json;
  }

  /** The whole configuration as one document, of the version it had when the answer began. */
  CompletionStage<HttpResponse> export(RequestParameters parameters, Caller caller) {
    boolean sealed = switch (parameters.text("secrets").orElse("none")) {
      case "none" -> false;
      case "sealed" -> true;
      default -> throw new Problem.ProblemException(Problem.malformed(
          "the parameter secrets must be 'none' or 'sealed'"));
    };
    if (sealed) {
      ConfigWrites.requireWhole(caller);
    }
    return parameters.atVersion(context.live()).thenApply(view -> {
      ClusterConfig config = view.config();
      if (sealed) {
        log.info("{} at {} exports configuration version {} with sealed secrets",
            caller.admin().name(), caller.address(), config.version());
      }
      return Responses.withEntityTag(HttpResponse.create()
          .withEntity(HttpEntities.createChunked(ContentTypes.APPLICATION_JSON,
              ConfigExport.of(config, context.codec(), context.clusterId().get(), sealed)))
          .addHeader(RawHeader.create("Flotilla-Config-Version", Long.toString(config.version())))
          .addHeader(RawHeader.create("Cache-Control", "no-store")), config.version());
    });
  }

  /** The whole configuration as it was. */
  CompletionStage<HttpResponse> version(String text, RequestParameters parameters) {
    Page page = parameters.page();
    long version = versionOf(text);
    Optional<String> kind = parameters.text("kind");
    kind.ifPresent(ConfigReads::requireKind);
    List<Kind> kinds = kind.flatMap(Kind::of).map(List::of).orElse(List.of(Kind.values()));
    return parameters.atVersion(context.live())
        .thenCompose(view -> past.at(view.config(), version).thenApply(config ->
            Responses.json(200, everything(config, page, kinds), view.config().version())));
  }

  /** What differs between two versions; {@code to} is the present one if it is not given. */
  CompletionStage<HttpResponse> diff(RequestParameters parameters) {
    Page page = parameters.page();
    if (parameters.text("from").isEmpty()) {
      throw new Problem.ProblemException(Problem.malformed("the parameter from is needed: the version to compare with"));
    }
    long from = parameters.number("from", 1, Long.MAX_VALUE, 1);
    return parameters.atVersion(context.live()).thenCompose(view -> {
      ClusterConfig present = view.config();
      long to = parameters.number("to", 1, Long.MAX_VALUE, present.version());
      return past.at(present, from).thenCompose(before -> past.at(present, to).thenApply(after ->
          Responses.json(200, VersionDiff.describe(before, after, page), present.version())));
    });
  }

  private static long versionOf(String text) {
    try {
      long version = Long.parseLong(text);
      if (version > 0) {
        return version;
      }
    } catch (NumberFormatException e) {
      // falls through to the one message for both
    }
    throw new Problem.ProblemException(Problem.notFound("a version is a whole number from 1 on"));
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
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      if (found.version() == 0 && found.refusal() == null) {
        throw new Problem.ProblemException(Problem.notFound("no change of the last day with the id " + id + " is known: none was "
            + "committed, unless it is still under way; one that was refused may be forgotten, since only the primary that "
            + "refused it knows"));
      }
      if (found.version() == 0) {
        return Responses.json(200, json.put("id", id).put("state", "refused").put("detail", found.refusal()));
      }
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
    json.put("truncated", change.changes().size() < entityCount);
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
    return new ConfigPrimary.NodeProgress("catching-up", -1, List.of());
  }
}
