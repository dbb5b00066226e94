package io.flotilla.golden;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Base64;
import java.util.Collection;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Recorded bytes of one kind, a file each with a readable one beside it. A recorded file never changes: with
 * {@code -Dgolden.record=true} missing ones are written, and nothing else is.
 */
public final class Golden {
  public static final String HOW_TO_RECORD = "mvn -o package -pl node -am -Dtest='Golden*Test' "
      + "-Dsurefire.failIfNoSpecifiedTests=false -Dgolden.record=true";
  private static final boolean RECORD = Boolean.getBoolean("golden.record");
  private static final ObjectMapper JSON =
      JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

  private final Path directory;
  private final String suffix;

  public Golden(String kind, String suffix) {
    this.directory = Path.of("src/test/resources/golden").resolve(kind);
    this.suffix = suffix;
  }

  /** Writes what is not recorded yet, if recording is on. */
  public void recordMissing(String name, byte[] now, JsonNode readable) throws IOException {
    if (RECORD) {
      Files.createDirectories(directory);
      writeIfMissing(file(name + suffix), now);
      writeIfMissing(file(name + ".json"), pretty(readable));
    }
  }

  private static void writeIfMissing(Path file, byte[] content) throws IOException {
    if (!Files.exists(file)) {
      Files.write(file, content, StandardOpenOption.CREATE_NEW);
    }
  }

  /** The recorded bytes. */
  public byte[] bytes(String name) {
    return recorded(name + suffix);
  }

  /** Checks that today's bytes are the recorded ones. */
  public void assertSame(String name, byte[] now) {
    assertArrayEquals(bytes(name), now, () -> file(name + suffix) + " is not what this build writes. Nodes and journals of "
        + "earlier builds know the recorded shape only. If the change is meant and readable by both (see "
        + "docs/decisions/0008-upgrades.md), keep this file and its example as a former shape, and add an example named "
        + name + "-v2 (or the next number), recorded by: " + HOW_TO_RECORD);
  }

  /** Checks the readable file beside the bytes. */
  public void assertReadable(String name, JsonNode now) {
    byte[] recorded = recorded(name + ".json");
    assertEquals(new String(recorded, StandardCharsets.UTF_8), new String(pretty(now), StandardCharsets.UTF_8),
        () -> file(name + ".json") + " does not say what is recorded beside it, or it is read differently now");
  }

  public JsonNode readable(String name) throws IOException {
    return JSON.readTree(file(name + ".json").toFile());
  }

  /** Checks that every recorded file is of one of these names: one without an example would prove nothing. */
  public void assertOnly(Collection<String> names) throws IOException {
    try (Stream<Path> files = Files.list(directory)) {
      Set<String> left = files.map(file -> file.getFileName().toString()).collect(Collectors.toCollection(TreeSet::new));
      names.forEach(name -> left.removeAll(Set.of(name + suffix, name + ".json")));
      assertEquals(Set.of(), left, "recorded files in " + directory + " that no example reads; what was recorded stays readable, "
          + "so keep its example as a former shape");
    }
  }

  private byte[] recorded(String fileName) {
    Path file = file(fileName);
    try {
      if (!Files.exists(file)) {
        throw new AssertionError("nothing is recorded as " + file + "; record it by: " + HOW_TO_RECORD
            + " and commit the new files");
      }
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private Path file(String fileName) {
    return directory.resolve(fileName);
  }

  private static byte[] pretty(JsonNode json) {
    try {
      return (JSON.writeValueAsString(withTexts(json)) + "\n").getBytes(StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The same with bytes that are text shown as text, the rest as base64. */
  private static JsonNode withTexts(JsonNode json) throws IOException {
    return switch (json) {
      case ObjectNode object -> {
        ObjectNode copy = JsonNodeFactory.instance.objectNode();
        for (var field : object.properties()) {
          copy.set(field.getKey(), withTexts(field.getValue()));
        }
        yield copy;
      }
      case ArrayNode array -> {
        ArrayNode copy = JsonNodeFactory.instance.arrayNode();
        for (JsonNode element : array) {
          copy.add(withTexts(element));
        }
        yield copy;
      }
      case JsonNode node when node.isBinary() -> TextNode.valueOf(text(node.binaryValue()));
      default -> json;
    };
  }

  /** Bytes as a reader wants them. */
  public static String text(byte[] bytes) {
    try {
      String text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(bytes)).toString();
      if (text.chars().allMatch(c -> c >= ' ')) {
        return "text:" + text;
      }
    } catch (CharacterCodingException e) {
      // Not text.
    }
    return "base64:" + Base64.getEncoder().encodeToString(bytes);
  }
}
