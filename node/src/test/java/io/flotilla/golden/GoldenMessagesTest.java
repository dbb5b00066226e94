package io.flotilla.golden;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.model.Refusal;
import io.flotilla.node.cluster.DataPlaneExamples;
import io.flotilla.node.cluster.NodeControlExamples;
import java.io.IOException;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRefResolver;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What crosses nodes between actors, and what their journals and snapshots hold, keeps its shape: nodes of other builds and
 * journals of earlier ones know the recorded bytes.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class GoldenMessagesTest {
  private static final ObjectMapper CBOR = new ObjectMapper(new CBORFactory());
  private static final Golden GOLDEN = new Golden("messages", ".cbor");
  private static final Config LOCAL = ConfigFactory
      .parseString("pekko { actor.provider = local, loglevel = WARNING, jvm-exit-on-fatal-error = off }")
      .withFallback(ConfigFactory.load());

  private static final String ADDED = "addedLater";
  /** Fields whose objects are maps, with names of nodes or protocols as keys. */
  private static final Set<String> MAPS = Set.of("nodes", "objections", "connections");

  private ActorSystem<Void> system;
  private List<Example> examples;

  @BeforeAll
  void start() throws IOException {
    system = ActorSystem.create(Behaviors.empty(), "golden", LOCAL);
    ActorRefResolver refs = ActorRefResolver.get(system);
    examples = Stream.of(MessageExamples.all(refs), NodeControlExamples.all(refs), DataPlaneExamples.all(refs)).flatMap(List::stream).toList();
    for (Example example : examples) {
      if (example.written()) {
        GOLDEN.recordMissing(example.name(), written(example.value()), readable(example));
      }
    }
  }

  @AfterAll
  void stop() {
    system.terminate();
  }

  List<Example> examples() {
    return examples;
  }

  @Test
  void everyMessage_isRecorded() {
    Set<String> missing = new TreeSet<>();
    for (JavaClass type : new ClassFileImporter().withImportOption(new ImportOption.DoNotIncludeTests())
        .importPackages("io.flotilla")) {
      if (type.isAssignableTo(CborSerializable.class) && !type.isInterface()
          && !type.getModifiers().contains(JavaModifier.ABSTRACT)
          && examples.stream().noneMatch(example -> example.written() && example.value().getClass().getName().equals(type.getName()))) {
        missing.add(type.getName());
      }
    }

    assertEquals(Set.of(), missing, "these classes are sent between nodes or stored, but no example of them is recorded, so a later "
        + "change of their shape would go unnoticed. Add one with every field filled to " + MessageExamples.class.getName()
        + " (and one more for each field that may be null), then record it by: " + Golden.HOW_TO_RECORD
        + " and commit the new files");
  }

  @Test
  void recordedFiles_haveAnExample() throws IOException {
    GOLDEN.assertOnly(examples.stream().map(Example::name).toList());
  }

  @Test
  void names_areUsedOnce() {
    assertEquals(examples.size(), examples.stream().map(Example::name).collect(Collectors.toSet()).size());
  }

  @ParameterizedTest
  @MethodSource("examples")
  void whatThisBuildWrites_isTheRecordedBytes(Example example) throws IOException {
    if (example.written()) {
      GOLDEN.assertSame(example.name(), written(example.value()));
    }
    GOLDEN.assertReadable(example.name(), readable(example));
  }

  @ParameterizedTest
  @MethodSource("examples")
  void recordedBytes_areReadAsTheExample(Example example) throws IOException {
    byte[] recorded = GOLDEN.bytes(example.name());

    Object read = read(recorded, manifest(example));

    assertEquals(example.value().getClass(), read.getClass());
    assertEquals(tree(example.value()), tree(read));
  }

  /** What a newer build may send: every object in a message with one more field. */
  @ParameterizedTest
  @MethodSource("examples")
  void fieldsOfANewerBuild_areNoObstacle(Example example) throws IOException {
    JsonNode more = CBOR.readTree(GOLDEN.bytes(example.name()));
    int added = addFields(more, "");

    Object read = read(CBOR.writeValueAsBytes(more), manifest(example));

    assertTrue(added > 0);
    assertEquals(example.value().getClass(), read.getClass());
    assertEquals(tree(example.value()), withoutAdded(tree(read)));
  }

  @Test
  void changeWithFieldsOfANewerBuild_keepsThem_alsoInASnapshotAndInParts() throws IOException {
    ObjectNode newer = (ObjectNode) CBOR.readTree(written(MessageExamples.CHANGED));
    newer.putObject(ADDED).put("text", "by a newer build").put("number", 1L << 40).put("bytes", new byte[] {1, -1})
        .putArray("list").add(true).addNull();
    ((ObjectNode) newer.path("author")).put(ADDED, "on behalf of carol");

    ConfigChanged read = (ConfigChanged) read(CBOR.writeValueAsBytes(newer), ConfigChanged.class.getName());
    JsonNode snapshot = tree(new ConfigSnapshot(42, read.digest(), List.of(), List.of(read)));

    assertEquals(newer, tree(read));
    assertEquals(newer, snapshot.path("history").path(0));
    assertEquals(newer, tree(read.with(List.of()).with(read.changes())));
  }

  @Test
  void refusalForAReasonOfANewerBuild_isAConflict() throws IOException {
    ObjectNode newer = (ObjectNode) CBOR.readTree(GOLDEN.bytes("ConfigPrimary.Refused"));
    ((ObjectNode) newer.path("refusal")).put("reason", "OF_A_NEWER_BUILD");

    Object read = read(CBOR.writeValueAsBytes(newer), ConfigPrimary.Refused.class.getName());

    assertEquals(Refusal.Reason.CONFLICT, ((ConfigPrimary.Refused) read).refusal().reason());
  }

  private static int addFields(JsonNode json, String name) {
    int added = 0;
    for (var field : List.copyOf(json.properties())) {
      added += addFields(field.getValue(), field.getKey());
    }
    if (json instanceof ArrayNode array) {
      for (JsonNode element : array) {
        added += addFields(element, "");
      }
    }
    if (json instanceof ObjectNode object && !MAPS.contains(name)) {
      object.putObject(ADDED).put("by", "a newer build").putArray("list").add(1).addNull();
      added++;
    }
    return added;
  }

  private static JsonNode withoutAdded(JsonNode json) {
    json.forEach(GoldenMessagesTest::withoutAdded);
    if (json instanceof ObjectNode object) {
      object.remove(ADDED);
    }
    return json;
  }

  private JsonNode readable(Example example) throws IOException {
    ObjectNode json = CBOR.createObjectNode();
    json.put("manifest", example.written() ? example.value().getClass().getName() : manifest(example));
    json.set("content", CBOR.readTree(example.written() ? written(example.value()) : GOLDEN.bytes(example.name())));
    return json;
  }

  private static String manifest(Example example) throws IOException {
    return GOLDEN.readable(example.name()).path("manifest").textValue();
  }

  /** The value as it is written: records with arrays are not equal by themselves. */
  private JsonNode tree(Object value) throws IOException {
    return CBOR.readTree(written(value));
  }

  private byte[] written(Object value) {
    return SerializationExtension.get(system).serialize(value).get();
  }

  private Object read(byte[] bytes, String manifest) throws IOException {
    Serialization serialization = SerializationExtension.get(system);
    int serializer = serialization.serializerFor(CborSerializable.class).identifier();
    return serialization.deserialize(bytes, serializer, manifest).get();
  }
}
