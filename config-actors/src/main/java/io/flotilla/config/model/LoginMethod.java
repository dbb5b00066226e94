package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.Collectors;

/** By what a user may prove who they are. A certificate counts as a public key. */
public enum LoginMethod {
  PASSWORD("password"),
  PUBLIC_KEY("public-key"),
  /** First the one, then the other; only SSH can ask for it. */
  PUBLIC_KEY_AND_PASSWORD("public-key+password");

  private final String word;

  LoginMethod(String word) {
    this.word = word;
  }

  /** Whether a user may log in by this alone of whom nothing is said. */
  boolean isDefault() {
    return this != PUBLIC_KEY_AND_PASSWORD;
  }

  static Optional<List<LoginMethod>> list(Fields fields, String field) {
    if (!fields.has(field)) {
      return Optional.empty();
    }
    List<String> words = fields.texts(field, values().length, word -> of(word).isPresent()
        ? Optional.empty() : Optional.of("must be " + known()));
    if (words.isEmpty()) {
      fields.error(field, "must name at least one method; leave it out for a password or a public key");
    }
    return Optional.of(words.stream().flatMap(word -> of(word).stream()).toList());
  }

  static void describe(ObjectNode json, String field, Optional<List<LoginMethod>> methods) {
    methods.ifPresentOrElse(some -> some.forEach(method -> json.withArray(field).add(method.word)), () -> json.putNull(field));
  }

  private static Optional<LoginMethod> of(String word) {
    return Arrays.stream(values()).filter(method -> method.word.equals(word)).findFirst();
  }

  private static String known() {
    return Arrays.stream(values()).map(method -> "'" + method.word + "'").collect(Collectors.joining(" or "));
  }
}
