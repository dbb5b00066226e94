package io.flotilla.config.model;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.DateTimeException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.BiFunction;
import java.util.function.Function;

/**
 * Reads the fields of one JSON object and collects every fault with its pointer, instead of stopping at the first.
 * After the last field the reader calls {@link #end}, which reports unknown fields; a stored document is read
 * leniently, because a newer release may have written fields this one does not know.
 */
public final class Fields {
  static final String SEALED = "$sealed";

  private final ObjectNode object;
  private final String pointer;
  private final EntityKey entity;
  private final SecretSealer sealer;
  private final boolean strict;
  private final List<FieldError> errors;
  private final List<String> unknown;
  private final Set<String> known = new HashSet<>();

  private Fields(
      ObjectNode object, String pointer, EntityKey entity, SecretSealer sealer, boolean strict, List<FieldError> errors,
      List<String> unknown) {
    this.object = object;
    this.pointer = pointer;
    this.entity = entity;
    this.sealer = sealer;
    this.strict = strict;
    this.errors = errors;
    this.unknown = unknown;
  }

  /** @param unknown gets the pointers of fields that this release does not know */
  static Fields of(
      ObjectNode object, EntityKey entity, SecretSealer sealer, boolean strict, List<FieldError> errors, List<String> unknown) {
    return new Fields(object, "", entity, sealer, strict, errors, unknown);
  }

  public String name() {
    return entity.name();
  }

  public boolean has(String field) {
    known.add(field);
    return object.hasNonNull(field);
  }

  public boolean bool(String field, boolean otherwise) {
    return value(field).map(node -> {
      if (!node.isBoolean()) {
        error(field, "must be true or false");
      }
      return node.asBoolean(otherwise);
    }).orElse(otherwise);
  }

  public int integer(String field, int least, int most, int otherwise) {
    return optionalInteger(field, least, most).orElse(otherwise);
  }

  public int requiredInteger(String field, int least, int most) {
    OptionalInt value = optionalInteger(field, least, most);
    if (value.isEmpty() && value(field).isEmpty()) {
      error(field, "is required");
    }
    return value.orElse(least);
  }

  public OptionalInt optionalInteger(String field, int least, int most) {
    Optional<JsonNode> node = value(field);
    if (node.isEmpty()) {
      return OptionalInt.empty();
    }
    if (!node.get().isIntegralNumber() || !node.get().canConvertToInt()
        || node.get().intValue() < least || node.get().intValue() > most) {
      error(field, "must be a whole number from " + least + " to " + most);
      return OptionalInt.empty();
    }
    return OptionalInt.of(node.get().intValue());
  }

  public OptionalLong optionalLong(String field, long least) {
    Optional<JsonNode> node = value(field);
    if (node.isEmpty()) {
      return OptionalLong.empty();
    }
    if (!node.get().isIntegralNumber() || !node.get().canConvertToLong() || node.get().longValue() < least) {
      error(field, "must be a whole number from " + least + " on");
      return OptionalLong.empty();
    }
    return OptionalLong.of(node.get().longValue());
  }

  public Optional<String> text(String field) {
    return value(field).flatMap(node -> {
      if (!node.isTextual()) {
        error(field, "must be text");
        return Optional.empty();
      }
      return Optional.of(node.textValue());
    });
  }

  public String requiredText(String field) {
    if (value(field).isEmpty()) {
      error(field, "is required");
    }
    return text(field).orElse("");
  }

  /** A text that {@code parse} turns into a value; what it throws as IllegalArgumentException is the field's fault. */
  public <T> Optional<T> parsed(String field, Function<String, T> parse) {
    return text(field).flatMap(text -> {
      try {
        return Optional.of(parse.apply(text));
      } catch (IllegalArgumentException | DateTimeException e) {
        error(field, e.getMessage());
        return Optional.empty();
      }
    });
  }

  public Optional<Instant> instant(String field) {
    return parsed(field, text -> {
      try {
        return Instant.parse(text);
      } catch (DateTimeException e) {
        throw new IllegalArgumentException("must be a time such as 2027-01-31T12:00:00Z", e);
      }
    });
  }

  /** A duration such as {@code 90s}, {@code 10m} or {@code 1h}, from one second on. */
  public Duration duration(String field, Duration most, Duration otherwise) {
    return parsed(field, text -> Durations.parse(text, most)).orElse(otherwise);
  }

  public List<String> texts(String field, int most, Function<String, Optional<String>> problemWith) {
    return value(field).map(node -> texts(FieldError.escape(field), node, most, problemWith)).orElse(List.of());
  }

  private List<String> texts(String field, JsonNode node, int most, Function<String, Optional<String>> problemWith) {
    if (!isList(field, node, most, "texts")) {
      return List.of();
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < node.size(); i++) {
      JsonNode element = node.get(i);
      String at = field + "/" + i;
      if (!element.isTextual()) {
        error(at, "must be text");
      } else {
        problemWith.apply(element.textValue()).ifPresent(problem -> error(at, problem));
        texts.add(element.textValue());
      }
    }
    return List.copyOf(texts);
  }

  private boolean isList(String field, JsonNode node, int most, String of) {
    if (!node.isArray()) {
      error(field, "must be a list of " + of);
      return false;
    }
    if (node.size() > most) {
      error(field, "has over " + most + " entries");
      return false;
    }
    return true;
  }

  /** A list of objects. */
  public <T> List<T> objects(String field, int most, Function<Fields, T> read) {
    Optional<JsonNode> node = value(field).filter(list -> isList(field, list, most, "objects"));
    if (node.isEmpty()) {
      return List.of();
    }
    List<T> values = new ArrayList<>();
    for (int i = 0; i < node.get().size(); i++) {
      if (node.get().get(i) instanceof ObjectNode element) {
        Fields fields =
            new Fields(element, pointer + "/" + field + "/" + i, entity, sealer, strict, errors, unknown);
        values.add(read.apply(fields));
        fields.end();
      } else {
        error(field + "/" + i, "must be an object");
      }
    }
    return List.copyOf(values);
  }

  /** An object whose values are lists of texts. */
  public Map<String, List<String>> lists(String field, int most, int mostTexts,
      Function<String, Optional<String>> problemWithName, Function<String, Optional<String>> problemWithText) {
    return value(field).flatMap(node -> child(field, node)).map(fields -> {
      if (fields.object.size() > most) {
        error(field, "has over " + most + " fields");
      }
      Map<String, List<String>> lists = new LinkedHashMap<>();
      fields.object.fieldNames().forEachRemaining(name -> {
        String at = FieldError.escape(name);
        problemWithName.apply(name).ifPresent(problem -> fields.error(at, problem));
        fields.value(name).ifPresent(list -> lists.put(name, fields.texts(at, list, mostTexts, problemWithText)));
      });
      return lists;
    }).orElse(Map.of());
  }

  public <T> Optional<T> object(String field, Function<Fields, T> read) {
    return value(field).flatMap(node -> child(field, node).map(fields -> {
      T value = read.apply(fields);
      fields.end();
      return value;
    }));
  }

  /** An object whose field names are names of entities. */
  public <T> Map<String, T> map(String field, BiFunction<String, Fields, T> read) {
    return value(field).flatMap(node -> child(field, node)).map(fields -> {
      Map<String, T> values = new LinkedHashMap<>();
      fields.object.fieldNames().forEachRemaining(name -> {
        fields.value(name).flatMap(node -> fields.child(name, node)).ifPresent(entry -> {
          values.put(name, read.apply(name, entry));
          entry.end();
        });
      });
      return Map.copyOf(values);
    }).orElse(Map.of());
  }

  /** Texts by name; both are judged alike. */
  public SortedMap<String, String> labels(String field, int most, Function<String, Optional<String>> problemWith) {
    SortedMap<String, String> labels = new TreeMap<>();
    value(field).flatMap(node -> child(field, node)).ifPresent(fields -> {
      if (fields.object.size() > most) {
        error(field, "has over " + most + " entries");
        return;
      }
      fields.object.fieldNames().forEachRemaining(name -> {
        problemWith.apply(name).ifPresent(problem -> fields.fault("the name of an entry " + problem));
        fields.text(name).ifPresent(text -> {
          problemWith.apply(text).ifPresent(problem -> fields.error(name, problem));
          labels.put(name, text);
        });
      });
    });
    return Collections.unmodifiableSortedMap(labels);
  }

  /** A secret of the stored form, opened with the cluster key. */
  public Optional<String> secret(String field) {
    return value(field).flatMap(node -> {
      JsonNode sealed = node.get(SEALED);
      if (sealed == null || !sealed.isTextual()) {
        error(field, "must be a sealed secret");
        return Optional.empty();
      }
      return Optional.of(sealer.open(entity, field, sealed.textValue()));
    });
  }

  public void error(String field, String detail) {
    errors.add(new FieldError(pointer + "/" + field, detail));
  }

  /** A fault of the object as a whole. */
  public void fault(String detail) {
    errors.add(new FieldError(pointer, detail));
  }

  void end() {
    object.fieldNames().forEachRemaining(field -> {
      if (!known.contains(field)) {
        unknown.add(pointer + FieldError.pointer(field));
        if (strict) {
          error(FieldError.escape(field), "is not a field of " + (pointer.isEmpty() ? entity.kind() : pointer));
        }
      }
    });
  }

  /** Puts a clear secret into a document, sealed. */
  static void putSecret(ObjectNode document, EntityKey entity, String field, String clear, SecretSealer sealer) {
    document.putObject(field).put(SEALED, sealer.seal(entity, field, clear));
  }

  static boolean isSealed(JsonNode node) {
    return node != null && node.isObject() && node.has(SEALED);
  }

  private Optional<Fields> child(String field, JsonNode node) {
    if (!(node instanceof ObjectNode child)) {
      error(FieldError.escape(field), "must be an object");
      return Optional.empty();
    }
    return Optional.of(new Fields(child, pointer + FieldError.pointer(field), entity, sealer, strict, errors, unknown));
  }

  private Optional<JsonNode> value(String field) {
    known.add(field);
    return Optional.ofNullable(object.get(field)).filter(node -> !node.isNull());
  }
}
