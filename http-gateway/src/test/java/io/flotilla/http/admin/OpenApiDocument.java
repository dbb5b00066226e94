package io.flotilla.http.admin;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLFactory;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/** The packaged description, as a client reads it; and what of JSON Schema it uses. */
final class OpenApiDocument {
  static final Set<String> METHODS = Set.of("get", "head", "put", "post", "patch", "delete", "options", "trace");
  private static final Set<String> ANNOTATIONS = Set.of("description", "format", "default", "examples", "readOnly", "writeOnly");

  final JsonNode root;

  OpenApiDocument() throws IOException {
    ObjectMapper yaml = new ObjectMapper(YAMLFactory.builder().enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION).build());
    try (InputStream text = Objects.requireNonNull(OpenApi.class.getResourceAsStream(OpenApi.RESOURCE))) {
      root = yaml.readTree(text);
    }
  }

  record Operation(String path, String method, JsonNode json) {
    @Override
    public String toString() {
      return method + " " + path;
    }
  }

  /** @param isAdmin whether those of the admin API, or those of the listeners, which have servers of their own */
  List<Operation> operations(boolean isAdmin) {
    List<Operation> all = new ArrayList<>();
    root.get("paths").properties().stream().filter(path -> path.getValue().has("servers") != isAdmin).forEach(path ->
        path.getValue().properties().stream().filter(field -> METHODS.contains(field.getKey())).forEach(operation ->
            all.add(new Operation(path.getKey(), operation.getKey().toUpperCase(Locale.ROOT), operation.getValue()))));
    return all;
  }

  JsonNode schema(String name) {
    return at("#/components/schemas/" + name);
  }

  /** Shows everything that is in the document. */
  void visit(Consumer<JsonNode> visitor) {
    visit(root, visitor);
  }

  private static void visit(JsonNode node, Consumer<JsonNode> visitor) {
    visitor.accept(node);
    node.forEach(child -> visit(child, visitor));
  }

  JsonNode at(String reference) {
    return reference.startsWith("#/") ? root.at(reference.substring(1)) : root.path("a reference out of the document");
  }

  JsonNode resolved(JsonNode node) {
    return node.has("$ref") ? resolved(at(node.get("$ref").textValue())) : node;
  }

  /** The properties that an object of a schema may have, also by what it is made of. */
  Map<String, JsonNode> properties(JsonNode schema) {
    JsonNode own = resolved(schema);
    Map<String, JsonNode> all = new LinkedHashMap<>();
    own.path("allOf").forEach(part -> all.putAll(properties(part)));
    own.path("properties").properties().forEach(property -> all.put(property.getKey(), property.getValue()));
    return all;
  }

  /** The pointers of all fields of a schema but those with a flag; {@code *} stands for elements, and for names that are not said. */
  Set<String> paths(JsonNode schema, String without) {
    Set<String> found = new LinkedHashSet<>();
    paths(schema, "", without, found);
    return found;
  }

  private void paths(JsonNode schema, String at, String without, Set<String> found) {
    JsonNode own = resolved(schema);
    properties(own).forEach((name, property) -> {
      if (!resolved(property).path(without).booleanValue()) {
        found.add(at + "/" + name);
        paths(property, at + "/" + name, without, found);
      }
    });
    for (String nested : List.of("items", "additionalProperties")) {
      if (own.path(nested).isObject()) {
        paths(own.get(nested), at + "/*", without, found);
      }
    }
  }

  /** The pointers of all fields that a value has, in the same form. */
  Set<String> paths(JsonNode schema, JsonNode value) {
    Set<String> found = new LinkedHashSet<>();
    paths(schema, value, "", found);
    return found;
  }

  private void paths(JsonNode schema, JsonNode value, String at, Set<String> found) {
    JsonNode own = resolved(schema);
    Map<String, JsonNode> properties = properties(own);
    if (value.isArray()) {
      value.forEach(element -> paths(own.path("items"), element, at + "/*", found));
    } else if (properties.isEmpty() && own.path("additionalProperties").isObject()) {
      value.forEach(element -> paths(own.get("additionalProperties"), element, at + "/*", found));
    } else {
      value.properties().forEach(field -> {
        found.add(at + "/" + field.getKey());
        paths(properties.getOrDefault(field.getKey(), root.path("no such schema")), field.getValue(), at + "/" + field.getKey(), found);
      });
    }
  }

  /** What of a value is not as its schema says; a field that the schema does not name is a fault, unless it says that there are others. */
  List<String> faults(JsonNode schema, JsonNode value) {
    List<String> faults = new ArrayList<>();
    check(schema, value, "", true, faults);
    return faults;
  }

  private void check(JsonNode schema, JsonNode value, String at, boolean isWhole, List<String> faults) {
    JsonNode own = resolved(schema);
    own.properties().forEach(keyword -> {
      JsonNode says = keyword.getValue();
      switch (keyword.getKey()) {
        case "allOf" -> says.forEach(part -> check(part, value, at, false, faults));
        case "anyOf" -> require(anyFits(says, value), at, "fits none of anyOf", faults);
        case "type" -> require(isOfType(says, value), at, "is no " + says, faults);
        case "enum" -> require(contains(says, value), at, "is none of " + says, faults);
        case "const" -> require(says.equals(value), at, "is not " + says, faults);
        case "required" -> says.forEach(name -> require(!value.isObject() || value.has(name.textValue()), at, "lacks " + name, faults));
        case "properties" -> says.properties().stream().filter(property -> value.has(property.getKey())).forEach(property ->
            check(property.getValue(), value.get(property.getKey()), at + "/" + property.getKey(), true, faults));
        case "items" -> value.forEach(element -> check(says, element, at + "/*", true, faults));
        case "propertyNames" -> value.fieldNames().forEachRemaining(name ->
            check(says, TextNode.valueOf(name), at + "/" + name, true, faults));
        case "additionalProperties" -> { }
        case "pattern" -> require(!value.isTextual() || Pattern.compile(says.textValue()).matcher(value.textValue()).find(),
            at, "does not match " + says, faults);
        case "minimum" -> require(!value.isNumber() || value.longValue() >= says.longValue(), at, "is under " + says, faults);
        case "maximum" -> require(!value.isNumber() || value.longValue() <= says.longValue(), at, "is over " + says, faults);
        case "minLength" -> require(!value.isTextual() || value.textValue().length() >= says.intValue(), at, "is too short", faults);
        case "maxLength" -> require(!value.isTextual() || value.textValue().length() <= says.intValue(), at, "is too long", faults);
        case "minItems" -> require(!value.isArray() || value.size() >= says.intValue(), at, "has too few", faults);
        case "maxItems", "maxProperties" -> require(value.size() <= says.intValue(), at, "has too many", faults);
        default -> require(ANNOTATIONS.contains(keyword.getKey()), at, "has a schema with " + keyword.getKey(), faults);
      }
    });
    if (isWhole && value.isObject() && !own.has("anyOf")) {
      others(own, value, at, faults);
    }
  }

  private void others(JsonNode own, JsonNode value, String at, List<String> faults) {
    Map<String, JsonNode> properties = properties(own);
    JsonNode others = own.path("additionalProperties");
    value.properties().stream().filter(field -> !properties.containsKey(field.getKey())).forEach(field -> {
      if (others.isObject()) {
        check(others, field.getValue(), at + "/" + field.getKey(), true, faults);
      } else {
        require(others.booleanValue(), at, "has " + field.getKey(), faults);
      }
    });
  }

  private boolean anyFits(JsonNode schemas, JsonNode value) {
    for (JsonNode schema : schemas) {
      if (faults(schema, value).isEmpty()) {
        return true;
      }
    }
    return false;
  }

  private static boolean contains(JsonNode list, JsonNode value) {
    for (JsonNode one : list) {
      if (one.equals(value)) {
        return true;
      }
    }
    return false;
  }

  private static boolean isOfType(JsonNode types, JsonNode value) {
    if (types.isArray()) {
      for (JsonNode type : types) {
        if (isOfType(type, value)) {
          return true;
        }
      }
      return false;
    }
    return switch (types.textValue()) {
      case "object" -> value.isObject();
      case "array" -> value.isArray();
      case "string" -> value.isTextual();
      case "integer" -> value.isIntegralNumber();
      case "boolean" -> value.isBoolean();
      case "null" -> value.isNull();
      default -> false;
    };
  }

  private static void require(boolean holds, String at, String fault, List<String> faults) {
    if (!holds) {
      faults.add(at + " " + fault);
    }
  }
}
