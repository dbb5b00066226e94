package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.AccessRule;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.Entity;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Group;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.LoginMethod;
import io.flotilla.config.model.Permission;
import io.flotilla.config.model.Policy;
import io.flotilla.config.model.SshAlgorithms;
import io.flotilla.config.model.Storage;
import io.flotilla.config.model.UserSettings;
import io.flotilla.http.sessions.SessionRecord;
import io.flotilla.sftp.HostKeyGenerator;
import io.flotilla.tls.TlsIdentity;
import java.io.IOException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The description has the fields, the words and the defaults of the model, and no others. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiEntitiesTest {
  private static final String LINE = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJaLO4rHlCzXFhqSwUrYQ2VvkyWGXkzxvIOKSYJqTHwl ann";
  private static final String SETTINGS = """
      "enabled": true, "expiresAt": "2999-01-01T00:00:00Z", "home": {"storage": "main", "path": "/h"},
      "folders": [{"at": "/shared", "folder": "shared", "permissions": ["list", "download"]}],
      "permissions": {"/": ["*"], "/in": ["upload"]},
      "protocols": ["sftp", "http"], "authentication": ["public-key+password"], "allowFrom": ["10.0.0.0/8"], "denyFrom": ["10.1.0.0/16"],
      "limits": {"sessions": 3, "uploadBytesPerSecond": 10000, "downloadBytesPerSecond": 10000, "quotaBytes": 1, "quotaFiles": 1}""";

  /** An entity of which everything is said; together those of a kind say all that there is to be said. */
  private record Example(Kind kind, String name, String json) {
    ObjectNode value() {
      try {
        return (ObjectNode) EntityCodec.JSON.readTree(json);
      } catch (IOException e) {
        throw new AssertionError(json, e);
      }
    }
  }

  private OpenApiDocument document;
  private AdminFixture node;
  private List<Example> examples;

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    document = new OpenApiDocument();
    node = new AdminFixture(directory);
    examples = examples();
    ObjectNode change = EntityCodec.JSON.createObjectNode();
    examples.forEach(example -> change.withArray("operations").addObject().put("op", "put")
        .put("kind", example.kind().id()).put("name", example.name()).set("value", example.value()));
    node.send("POST", "/config/changes", change.toString()).expect(200);
  }

  @AfterAll
  void stop() throws IOException {
    node.close();
  }

  private List<Example> examples() {
    TlsIdentity identity = TlsIdentity.selfSigned("one", List.of("one.example.org"), Instant.now());
    ObjectNode certificate = EntityCodec.JSON.createObjectNode()
        .put("certificate", identity.certificatePem()).put("privateKey", identity.privateKeyPem());
    ObjectNode hostKey = EntityCodec.JSON.createObjectNode().put("algorithm", "ed25519")
        .put("privateKey", HostKeyGenerator.generate(HostKeyGenerator.Algorithm.ED25519).privateKey());
    String passive = """
        "passivePorts": "20050-20079", "passiveAddress": "192.0.2.7",
        "passiveNetworks": [{"from": ["10.0.0.0/8"], "address": "10.1.2.3"}]""";
    String listener = """
        "address": "127.0.0.1", "nodes": ["*"], "enabled": false, "maxConnections": 1, "maxConnectionsPerAddress": 1, "idleTimeout": "90s",
        "proxyProtocol": "optional", "trustedProxies": ["10.0.0.0/8"],
        """;
    ObjectNode algorithms = EntityCodec.JSON.createObjectNode();
    Arrays.stream(SshAlgorithms.Use.values()).forEach(use -> use.allowed().forEach(algorithms.withArray(use.field())::add));
    return List.of(
        new Example(Kind.STORAGES, "main", "{\"type\": \"local\", \"path\": \"/srv/files\", \"shared\": true, \"guard\": \".here\", "
            + "\"recentChanges\": \"5m\"}"),
        new Example(Kind.FOLDERS, "shared", "{\"storage\": \"main\", \"path\": \"/shared\"}"),
        new Example(Kind.GROUPS, "staff", "{" + SETTINGS + "}"),
        new Example(Kind.USERS, "alice", "{\"password\": \"correct horse\", \"publicKeys\": [\"" + LINE + "\"], \"groups\": [\"staff\"], "
            + SETTINGS + "}"),
        new Example(Kind.USERS, "bob", "{\"passwordHash\": \"" + node.hasher.hash("correct horse").join() + "\"}"),
        new Example(Kind.CERTIFICATES, "given", certificate.toString()),
        new Example(Kind.CERTIFICATES, "made", "{\"selfSigned\": {\"names\": [\"ftp.example.org\"]}}"),
        new Example(Kind.HOST_KEYS, "given", hostKey.toString()),
        new Example(Kind.ACCESS_RULES, "here",
            "{\"action\": \"allow\", \"from\": [\"192.0.2.0/24\"], \"protocols\": [\"ftp\"], \"priority\": 7}"),
        new Example(Kind.ADMINS, "another", "{\"role\": \"viewer\", \"token\": \"" + "another-token-".repeat(4) + "\"}"),
        new Example(Kind.LISTENERS, "sftp", "{\"protocol\": \"sftp\", \"port\": 1, " + listener
            + "\"ssh\": {\"hostKeys\": [\"given\"], \"scp\": true, \"userCertificateAuthorities\": [\"" + LINE + "\"], \"algorithms\": "
            + algorithms + "}}"),
        new Example(Kind.LISTENERS, "ftp", "{\"protocol\": \"ftp\", \"port\": 2, " + listener
            + "\"ftp\": {\"tls\": \"explicit\", \"certificate\": \"given\", \"requireSessionReuse\": true, " + passive + "}}"),
        new Example(Kind.LISTENERS, "http", "{\"protocol\": \"http\", \"port\": 3, " + listener
            + "\"http\": {\"tls\": true, \"certificate\": \"given\", \"webClient\": false, \"forwardedBy\": \"forwarded\"}}"),
        new Example(Kind.NODES, "node-1", "{\"listeners\": {\"ftp\": {\"address\": \"127.0.0.2\", \"port\": 4, " + passive
            + "}}, \"storages\": {\"main\": {\"path\": \"/srv/a\"}}, \"labels\": {\"site\": \"a\"}}"),
        new Example(Kind.POLICIES, Policy.Primary.NAME, "{\"preferred\": \"node-1\"}"),
        new Example(Kind.POLICIES, Policy.History.NAME, "{\"changes\": 100}"),
        new Example(Kind.POLICIES, Policy.Uploads.NAME, "{\"keepPartials\": \"1h\"}"),
        new Example(Kind.POLICIES, Policy.Sessions.NAME, "{\"idleTimeout\": \"1m\", \"lifetime\": \"1h\", \"replicated\": false}"),
        new Example(Kind.POLICIES, Policy.Health.NAME, "{\"isolatedAfter\": \"30s\", \"maxBehind\": \"1m\"}"));
  }

  /** What is the least that can be said, so that all else is the default. */
  private static List<Example> leasts() {
    return List.of(
        new Example(Kind.STORAGES, "least", "{\"path\": \"/srv/least\"}"),
        new Example(Kind.GROUPS, "least", "{}"),
        new Example(Kind.USERS, "least", "{}"),
        new Example(Kind.ACCESS_RULES, "least", "{\"action\": \"deny\", \"from\": [\"192.0.2.0/24\"]}"),
        new Example(Kind.LISTENERS, "least-sftp", "{\"protocol\": \"sftp\", \"port\": 11}"),
        new Example(Kind.LISTENERS, "least-ftp", "{\"protocol\": \"ftp\", \"port\": 12}"),
        new Example(Kind.LISTENERS, "least-http", "{\"protocol\": \"http\", \"port\": 13, \"http\": {\"certificate\": \"given\"}}"),
        new Example(Kind.NODES, "node-least", "{}"),
        new Example(Kind.POLICIES, Policy.Primary.NAME, "{}"),
        new Example(Kind.POLICIES, Policy.History.NAME, "{}"),
        new Example(Kind.POLICIES, Policy.Uploads.NAME, "{}"),
        new Example(Kind.POLICIES, Policy.Sessions.NAME, "{}"),
        new Example(Kind.POLICIES, Policy.Health.NAME, "{}"));
  }

  /** Of a policy the one that its name says. */
  private JsonNode schema(Example example) {
    return example.kind() == Kind.POLICIES
        ? document.schema(example.name().substring(0, 1).toUpperCase(Locale.ROOT) + example.name().substring(1) + "Policy")
        : document.resolved(document.schema("Kinds").get("properties").get(example.kind().id()));
  }

  @Test
  void kinds_areThoseOfTheModel_eachWithASchemaOfItsOwn() {
    List<String> ids = Arrays.stream(Kind.values()).map(Kind::id).toList();
    JsonNode kinds = document.schema("Kinds").get("properties");
    List<String> described = new ArrayList<>();
    kinds.fieldNames().forEachRemaining(described::add);
    assertEquals(ids, described);
    assertEquals(kinds.findValuesAsText("$ref"), document.schema("Entity").get("anyOf").findValuesAsText("$ref"));
    assertEquals(ids.size(), Set.copyOf(kinds.findValuesAsText("$ref")).size());
    assertEquals(Set.of(Kind.values()), Set.copyOf(examples.stream().map(Example::kind).toList()));
  }

  @Test
  void policies_areThoseOfTheModel() {
    Set<String> described = new TreeSet<>();
    document.schema("Policy").get("anyOf").forEach(policy -> described.add(policy.get("$ref").textValue().replaceAll(".*/", "")));
    Set<String> model = new TreeSet<>();
    Arrays.stream(Policy.class.getPermittedSubclasses()).forEach(policy -> model.add(policy.getSimpleName() + "Policy"));
    assertEquals(model, described);
    assertEquals(described.size(), examples.stream().filter(example -> example.kind() == Kind.POLICIES).count());
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void examples_leaveNothingUnsaid(Kind kind) {
    Map<String, Boolean> said = new TreeMap<>();
    examples.stream().filter(example -> example.kind() == kind).forEach(example -> look(entity(example), example.kind() == Kind.POLICIES
        ? "/" + example.name() : "", said));
    said.remove("/fingerprint"); // of a host key, made with it
    assertEquals(List.of(), said.entrySet().stream().filter(field -> !field.getValue()).map(Map.Entry::getKey).toList(),
        "the examples of this test have to say these fields of the model");
  }

  private Entity entity(Example example) {
    return node.live.view().config().stored(new EntityKey(example.kind().id(), example.name())).orElseThrow().entity();
  }

  /** Tells of each field of a record, and of those in it, whether something is there. */
  private static void look(Object value, String at, Map<String, Boolean> said) {
    switch (value) {
      case Optional<?> optional -> {
        said.merge(at, optional.isPresent(), Boolean::logicalOr);
        optional.ifPresent(there -> look(there, at, said));
      }
      case OptionalInt optional -> said.merge(at, optional.isPresent(), Boolean::logicalOr);
      case OptionalLong optional -> said.merge(at, optional.isPresent(), Boolean::logicalOr);
      case Collection<?> collection -> {
        said.merge(at, !collection.isEmpty(), Boolean::logicalOr);
        collection.forEach(element -> look(element, at + "/*", said));
      }
      case Map<?, ?> map -> {
        said.merge(at, !map.isEmpty(), Boolean::logicalOr);
        map.values().forEach(element -> look(element, at + "/*", said));
      }
      case Record parts -> {
        for (RecordComponent part : parts.getClass().getRecordComponents()) {
          part.getAccessor().setAccessible(true);
          try {
            look(part.getAccessor().invoke(parts), at + "/" + part.getName(), said);
          } catch (ReflectiveOperationException e) {
            throw new AssertionError(at + "/" + part.getName(), e);
          }
        }
      }
      default -> { }
    }
  }

  /** With the next one: every field that is described is written or read, and every other way round. */
  @ParameterizedTest
  @EnumSource(Kind.class)
  void fieldsThatAreWritten_areThoseThatAreDescribed(Kind kind) {
    Set<String> described = new TreeSet<>();
    Set<String> written = new TreeSet<>();
    examples.stream().filter(example -> example.kind() == kind).forEach(example -> {
      described.addAll(document.paths(schema(example), "readOnly"));
      written.addAll(document.paths(schema(example), example.value()));
      assertEquals(List.of(), document.faults(schema(example), example.value()), example::name);
    });
    described.remove("/version"); // only of what was read before
    assertEquals(described, written);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void fieldsThatAreRead_areThoseThatAreDescribed(Kind kind) {
    Set<String> described = new TreeSet<>();
    Set<String> read = new TreeSet<>();
    examples.stream().filter(example -> example.kind() == kind).forEach(example -> {
      JsonNode answer = node.get("/config/" + kind.id() + "/" + example.name()).expect(200).json();
      described.addAll(document.paths(schema(example), "writeOnly"));
      read.addAll(document.paths(schema(example), answer));
      assertEquals(List.of(), document.faults(schema(example), answer), answer::toString);
    });
    assertEquals(described, read);
  }

  @ParameterizedTest
  @EnumSource(Kind.class)
  void whatWasRead_canBePutBack_andIsTheSame(Kind kind) {
    examples.stream().filter(example -> example.kind() == kind).forEach(example -> {
      String path = "/config/" + kind.id() + "/" + example.name();
      ObjectNode read = (ObjectNode) node.get(path).expect(200).json();
      long version = node.put(path, read.toString()).expect(200).version();
      assertEquals(read.put("version", version).toString(), node.get(path).json().toString());
    });
  }

  @Test
  void secrets_areOnlyWritten() {
    for (Kind kind : Kind.values()) {
      Set<String> secrets = new TreeSet<>(EntityCodec.secretFields(kind.id()));
      secrets.remove("tokenHash"); // which nobody can set
      examples.stream().filter(example -> example.kind() == kind).findFirst().ifPresent(example -> {
        Map<String, JsonNode> properties = document.properties(schema(example));
        secrets.forEach(secret -> assertTrue(document.resolved(properties.get(secret)).path("writeOnly").booleanValue(),
            () -> kind + " " + secret));
      });
    }
  }

  @Test
  void defaults_areThoseOfTheModel(@TempDir Path directory) throws IOException {
    try (AdminFixture fresh = new AdminFixture(directory)) {
      fresh.put("/config/certificates/given", "{\"selfSigned\": {\"names\": [\"ftp.example.org\"]}}").expect(201);
      fresh.put("/config/host-keys/made", "{\"algorithm\": \"ed25519\"}").expect(201);
      List<String> seen = new ArrayList<>();
      for (Example least : leasts()) {
        String path = "/config/" + least.kind().id() + "/" + least.name();
        fresh.put(path, least.json()).expect(201);
        compareDefaults(schema(least), fresh.get(path).expect(200).json(), least.value(), path, seen);
      }
      assertTrue(seen.size() > 40, seen::toString);
    }
  }

  private void compareDefaults(JsonNode schema, JsonNode read, JsonNode written, String at, List<String> seen) {
    document.properties(schema).forEach((name, property) -> {
      JsonNode otherwise = property.has("default") ? property.get("default") : document.resolved(property).path("default");
      if (!otherwise.isMissingNode() && read.has(name) && !written.has(name)) {
        assertEquals(otherwise, read.get(name), at + "/" + name);
        seen.add(at + "/" + name);
      }
      if (read.path(name).isObject()) {
        compareDefaults(property, read.get(name), written.path(name), at + "/" + name, seen);
      }
    });
  }

  @Test
  void words_areThoseOfTheModel() {
    Map<String, List<String>> model = new TreeMap<>(Map.of(
        "Kind", Arrays.stream(Kind.values()).map(Kind::id).toList(),
        "Permission", Stream.concat(Stream.of(Permission.EVERY), Arrays.stream(Permission.values()).map(Permission::id)).toList(),
        "Protocol", Listener.Protocol.KNOWN.stream().map(Listener.Protocol::id).toList(),
        "LoginMethod", loginMethods(),
        "FtpTls", Arrays.stream(Listener.Tls.values()).map(Listener.Tls::id).toList(),
        "ProxyProtocol", Arrays.stream(Listener.ProxyProtocol.values()).map(Listener.ProxyProtocol::id).toList(),
        "ForwardedBy", Arrays.stream(Listener.ForwardedBy.values()).map(Listener.ForwardedBy::id).toList(),
        "RuleAction", Arrays.stream(AccessRule.Action.values()).map(OpenApiEntitiesTest::word).toList(),
        "HostKeyAlgorithm", Arrays.stream(HostKeyGenerator.Algorithm.values()).map(HostKeyGenerator.Algorithm::id).toList(),
        "Role", Arrays.stream(Admin.Role.values()).map(Admin.Role::id).toList()));
    model.putAll(Map.of(
        "Direction", Arrays.stream(ClientEvent.Direction.values()).map(direction -> direction.name().toLowerCase(Locale.ROOT)).toList(),
        "SessionUse", Arrays.stream(SessionRecord.Use.values()).map(use -> use.name().toLowerCase(Locale.ROOT)).toList()));
    for (SshAlgorithms.Use use : SshAlgorithms.Use.values()) {
      JsonNode list = document.schema("Ssh").at("/properties/algorithms/properties/" + use.field() + "/items/$ref");
      model.put(list.asText().replaceAll(".*/", ""), use.allowed());
    }
    Map<String, List<String>> described = new TreeMap<>();
    document.root.at("/components/schemas").properties().stream().filter(schema -> schema.getValue().has("enum")).forEach(schema -> {
      List<String> words = new ArrayList<>();
      schema.getValue().get("enum").forEach(word -> words.add(word.textValue()));
      described.put(schema.getKey(), words);
    });
    assertEquals(model, described);
    document.properties(document.schema("Storage")).get("type").get("enum").forEach(type ->
        assertTrue(new Storage("any", type.textValue(), "/", false, Optional.empty(), Duration.ZERO).isKnown()));
  }

  private static List<String> loginMethods() {
    UserSettings.Limits none = new UserSettings.Limits(new UserSettings.Quota(OptionalLong.empty(), OptionalLong.empty()),
        OptionalInt.empty(), OptionalLong.empty(), OptionalLong.empty());
    List<String> words = new ArrayList<>();
    UserSettings settings = new UserSettings(Optional.empty(), Optional.empty(), Optional.empty(), List.of(), Optional.empty(),
        Optional.empty(), Optional.of(List.of(LoginMethod.values())), Optional.empty(), Optional.empty(), none);
    EntityCodec.describe(new Group("any", settings)).get("authentication").forEach(word -> words.add(word.textValue()));
    return words;
  }

  private static String word(AccessRule.Action action) {
    return EntityCodec.describe(new AccessRule("any", action, List.of(), Optional.empty(), 0)).get("action").textValue();
  }
}
