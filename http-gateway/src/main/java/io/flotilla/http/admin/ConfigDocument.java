package io.flotilla.http.admin;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.core.JsonParser;
import com.fasterxml.jackson.core.JsonToken;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Refusal;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.BiConsumer;

/**
 * The configuration as one document: {@code {"format": 1, ..., "entities": {KIND: {NAME: {...}}}}}. It is read entity by
 * entity, so that a large one is never whole in memory as a tree; what is wrong with it is told without quoting it, as there
 * may be secrets in it.
 */
final class ConfigDocument {
  static final int FORMAT = 1;
  /** A value is followed by the rest of the document. */
  private static final ObjectReader VALUES = EntityCodec.JSON.reader().without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
  /** What an export says of itself; an import does not need it. */
  private static final Set<String> ABOUT = Set.of("version", "digest", "clusterId", "secrets", "keyId");

  private final List<FieldError> errors = new ArrayList<>();
  private final Set<String> kinds = new TreeSet<>();
  private final BiConsumer<EntityKey, ObjectNode> entities;
  private boolean formatSeen;
  private boolean entitiesSeen;

  private ConfigDocument(BiConsumer<EntityKey, ObjectNode> entities) {
    this.entities = entities;
  }

  /** The kinds that have a section, even an empty one, and the faults found. */
  record Read(Set<String> kinds, List<FieldError> errors) {}

  /** Reads to the end, handing on each entity; fails with a problem (400) if it is not JSON of this shape at all. */
  static Read read(InputStream text, BiConsumer<EntityKey, ObjectNode> entities) {
    ConfigDocument document = new ConfigDocument(entities);
    try (JsonParser json = EntityCodec.JSON.getFactory().createParser(text)) {
      document.readAll(json);
    } catch (JacksonException e) {
      throw JsonBody.notJson(e);
    } catch (IOException e) {
      throw JsonBody.malformed("the body is not JSON: it is not text in UTF-8");
    }
    return new Read(Set.copyOf(document.kinds), List.copyOf(document.errors));
  }

  private void readAll(JsonParser json) throws IOException {
    if (json.nextToken() != JsonToken.START_OBJECT) {
      throw JsonBody.malformed("the body must be a JSON object");
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String field = json.currentName();
      json.nextToken();
      switch (field) {
        case "format" -> readFormat(json);
        case "entities" -> readEntities(json);
        default -> {
          json.skipChildren();
          if (!ABOUT.contains(field)) {
            error(FieldError.pointer(field), "is not a field of a configuration document");
          }
        }
      }
    }
    if (json.nextToken() != null) {
      throw JsonBody.malformed("the body is not JSON: something follows the end of the document");
    }
    if (!formatSeen) {
      error("/format", "is required, as the number " + FORMAT);
    }
    if (!entitiesSeen) {
      error("/entities", "is required");
    }
  }

  private void readFormat(JsonParser json) throws IOException {
    formatSeen = true;
    JsonNode format = VALUES.readTree(json);
    if (!format.isIntegralNumber() || !format.canConvertToInt() || format.intValue() != FORMAT) {
      error("/format", "is not the number " + FORMAT + ", the format this release reads; was the document made by a newer one?");
    }
  }

  private void readEntities(JsonParser json) throws IOException {
    entitiesSeen = true;
    if (json.currentToken() != JsonToken.START_OBJECT) {
      json.skipChildren();
      error("/entities", "must be an object of kinds");
      return;
    }
    while (json.nextToken() == JsonToken.FIELD_NAME) {
      String kind = json.currentName();
      kinds.add(kind);
      if (json.nextToken() != JsonToken.START_OBJECT) {
        json.skipChildren();
        error("/entities" + FieldError.pointer(kind), "must be an object of entities by name");
        continue;
      }
      while (json.nextToken() == JsonToken.FIELD_NAME) {
        EntityKey key = new EntityKey(kind, json.currentName());
        json.nextToken();
        JsonNode value = VALUES.readTree(json);
        if (value instanceof ObjectNode object) {
          entities.accept(key, object);
        } else {
          error(pointer(key), "must be an object");
        }
      }
    }
  }

  /** Where an entity is in the document. */
  static String pointer(EntityKey key) {
    return "/entities" + FieldError.pointer(key.kind()) + FieldError.pointer(key.name());
  }

  private void error(String pointer, String detail) {
    if (errors.size() < Refusal.MAX_ERRORS) {
      errors.add(new FieldError(pointer, detail));
    }
  }
}
