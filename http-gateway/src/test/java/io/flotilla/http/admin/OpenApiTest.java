package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.admin.AdminFixture.Answer;
import io.flotilla.http.admin.OpenApiDocument.Operation;
import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.classfile.constantpool.StringEntry;
import java.net.URLEncoder;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/** The description is well formed, and describes the paths and the answers that there are. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class OpenApiTest {
  private static final String NOTHING = "this server has nothing at that path";
  private static final List<String> PROBED = List.of("GET", "POST", "PUT", "PATCH", "DELETE");
  private static final Pattern WORD = Pattern.compile("[a-z][a-z0-9.-]*(/[a-z][a-z0-9.-]*)*");
  private static final Pattern PARAMETER = Pattern.compile("\\{(\\w+)}");
  /** What stands for the parameters of paths: nothing that there is, but a kind. */
  private static final Map<String, String> VALUES =
      Map.of("kind", "users", "name", "nobody", "node", "nowhere", "id", "17", "version", "999");
  /** Texts of AdminApi that are no words of a path; whoever adds a path adds it to the description and not here. */
  private static final Set<String> NO_PATHS = Set.of("unauthorized", "unknown", "slow-request", "too-large", "method-not-allowed",
      "no-primary", "outcome-unknown", "no-keeper", "no-quorum", "no-voters", "busy", "timeout", "internal", "close", "nosniff");

  private OpenApiDocument document;
  private AdminFixture node;

  @BeforeAll
  void start(@TempDir Path directory) throws IOException {
    document = new OpenApiDocument();
    node = new AdminFixture(directory);
  }

  @AfterAll
  void stop() throws IOException {
    node.close();
  }

  @Test
  void isServed_toAdminsOnly() throws IOException {
    Answer answer = node.get("/openapi.yaml").expect(200);
    assertEquals("application/yaml", answer.header("Content-Type").orElseThrow());
    try (InputStream packaged = Objects.requireNonNull(OpenApi.class.getResourceAsStream(OpenApi.RESOURCE))) {
      assertEquals(new String(packaged.readAllBytes(), StandardCharsets.UTF_8), answer.text());
    }
    assertTrue(document.root.get("openapi").textValue().startsWith("3.1."));
    node.send(node.request("GET", "/api/v1/openapi.yaml", HttpRequest.BodyPublishers.noBody()).build()).expect(401);
  }

  @Test
  void itsReferences_leadSomewhere() {
    Set<String> references = new TreeSet<>();
    document.visit(json -> {
      if (json.path("$ref").isTextual()) {
        references.add(json.get("$ref").textValue());
      }
    });
    assertTrue(references.size() > 50);
    assertEquals(List.of(), references.stream().filter(reference -> document.at(reference).isMissingNode()).toList());
    // And nothing is described that nothing refers to; Kinds and Event are for people.
    Set<String> components = new TreeSet<>();
    document.root.get("components").properties().stream().filter(group -> !group.getKey().equals("securitySchemes"))
        .forEach(group -> group.getValue().fieldNames().forEachRemaining(name ->
            components.add("#/components/" + group.getKey() + "/" + name)));
    components.removeAll(references);
    assertEquals(Set.of("#/components/schemas/Kinds", "#/components/schemas/Event"), components);
  }

  /** A comma in a text without quotes makes a field of what follows, without a value. */
  @Test
  void noText_isCutByACommaWithoutQuotes() {
    List<String> cut = new ArrayList<>();
    document.visit(json -> json.properties().stream()
        .filter(field -> field.getValue().isValueNode() && field.getValue().asText("").isEmpty() && !field.getKey().equals("default"))
        .forEach(field -> cut.add(field.getKey())));
    assertEquals(List.of(), cut);
  }

  @Test
  void operations_haveIdsOfTheirOwn_tagsThatAreThere_andTheParametersOfTheirPaths() {
    List<Operation> all = new ArrayList<>(document.operations(true));
    all.addAll(document.operations(false));
    Set<String> ids = new HashSet<>();
    Set<String> tags = new HashSet<>(document.root.get("tags").findValuesAsText("name"));
    Set<String> schemes = new HashSet<>();
    document.root.at("/components/securitySchemes").fieldNames().forEachRemaining(schemes::add);
    for (Operation operation : all) {
      assertTrue(ids.add(operation.json().path("operationId").textValue()), () -> operation + " has the id of another");
      operation.json().path("tags").forEach(tag -> assertTrue(tags.contains(tag.textValue()), operation::toString));
      operation.json().path("security").forEach(way -> way.fieldNames().forEachRemaining(scheme ->
          assertTrue(schemes.contains(scheme), () -> operation + " " + scheme)));
      Set<String> inPath = new TreeSet<>();
      for (JsonNode of : List.of(operation.json(), document.root.get("paths").get(operation.path()))) {
        of.path("parameters").forEach(parameter -> {
          JsonNode resolved = document.resolved(parameter);
          if (resolved.path("in").textValue().equals("path")) {
            inPath.add(resolved.get("name").textValue());
          }
        });
      }
      assertEquals(new TreeSet<>(PARAMETER.matcher(operation.path()).results().map(match -> match.group(1)).toList()), inPath,
          operation::toString);
    }
  }

  List<Operation> adminOperations() {
    return document.operations(true);
  }

  @ParameterizedTest
  @MethodSource("adminOperations")
  void whatIsDescribed_isThere(Operation operation) throws Exception {
    Sent sent = send(operation.method(), operation.path());
    assertNotEquals(405, sent.status());
    assertFalse(sent.body().contains(NOTHING), sent.body());
    assertTrue(operation.json().get("responses").has(Integer.toString(sent.status())) || operation.json().get("responses").has("default"));
    if (operation.method().equals("GET")) {
      assertEquals(sent.status(), send("HEAD", operation.path()).status());
    }
  }

  @Test
  void pathsTakeNoMethod_thatIsNotDescribed() throws Exception {
    Set<String> described = new HashSet<>(document.operations(true).stream().map(Operation::toString).toList());
    for (Operation operation : document.operations(true)) {
      for (String method : PROBED) {
        if (!described.contains(method + " " + operation.path())) {
          assertEquals(405, send(method, operation.path()).status(),
              () -> method + " " + operation.path() + " is served and not described");
        }
      }
    }
  }

  /** A path that is added to AdminApi has a word that no other has, or is a method of one of them. */
  @Test
  void wordsThatAdminApiKnows_areInPathsThatAreDescribed() throws IOException {
    Set<String> words = new TreeSet<>();
    try (InputStream code = Objects.requireNonNull(AdminApi.class.getResourceAsStream("AdminApi.class"))) {
      ClassFile.of().parse(code.readAllBytes()).constantPool().forEach(entry -> {
        if (entry instanceof StringEntry text && WORD.matcher(text.stringValue()).matches()) {
          words.addAll(Arrays.asList(text.stringValue().split("/")));
        }
      });
    }
    assertTrue(words.containsAll(NO_PATHS), () -> NO_PATHS + " are not all used by AdminApi any more");
    words.removeAll(NO_PATHS);
    Set<String> described = new TreeSet<>();
    document.operations(true).forEach(operation -> described.addAll(Arrays.asList(operation.path().substring(1).split("/"))));
    described.removeIf(word -> word.startsWith("{"));
    assertEquals(described, words);
  }

  @Test
  void queryParameters_areThoseThatAreKnown() throws Exception {
    Set<String> described = new TreeSet<>();
    for (JsonNode path : document.root.get("paths")) {
      if (!path.has("servers")) {
        path.forEach(operation -> operation.path("parameters").forEach(parameter -> {
          JsonNode resolved = document.resolved(parameter);
          if (resolved.get("in").textValue().equals("query")) {
            described.add(resolved.get("name").textValue());
          }
        }));
      }
    }
    String known = node.get("/cluster?nothing=1").expect(400).json().get("detail").textValue();
    assertEquals(described, new TreeSet<>(Arrays.asList(known.substring(known.indexOf("known are ") + "known are ".length()).split(", "))));
  }

  @ParameterizedTest
  @CsvSource({
      "GET, /health/live,", "GET, /health/ready,", "GET, /api/v1/cluster,", "GET, /api/v1/cluster/primary,", "GET, /api/v1/voters,",
      "POST, /api/v1/voters, '{\"node\": \"node-2\"}'", "GET, /api/v1/connections,", "GET, /api/v1/sessions,",
      "DELETE, /api/v1/sessions?user=nobody,", "GET, /api/v1/claims,", "GET, /api/v1/config,",
      "PUT, /api/v1/config/{kind}/{name}, '{\"password\": \"correct horse\"}'", "PUT, /api/v1/config/{kind}/{name}, '{\"cat\": 1}'",
      "PATCH, /api/v1/config/{kind}/{name}, '{\"enabled\": false}'", "GET, /api/v1/config/{kind},", "GET, /api/v1/config/{kind}/{name},",
      "GET, /api/v1/config/history,", "GET, /api/v1/config/diff?from=1,", "GET, /api/v1/config/export,",
      "GET, /api/v1/config/export?secrets=sealed,",
      "POST, /api/v1/config/changes?dryRun, '{\"operations\": [{\"op\": \"put\", \"kind\": \"users\", \"name\": \"b\", \"value\": {}}]}'",
      "POST, /api/v1/config/rollback?dryRun=true, '{\"to\": 1}'",
      "POST, /api/v1/config/import?dryRun=true, '{\"format\": 1, \"entities\": {\"users\": {\"c\": {}}}}'",
      "DELETE, /api/v1/nodes/{node},", "GET, /api/v1/nodes/{node},", "POST, /api/v1/nodes/{node}/drain?deadline=1m,",
      "POST, /api/v1/nodes/{node}/resume,", "DELETE, /api/v1/voters/{node},"})
  void answers_areAsDescribed(String method, String path, String body) throws Exception {
    Sent sent = send(method, path, body == null ? "" : body);
    JsonNode operation = document.root.get("paths").get(path.replaceAll("\\?.*", "")).get(method.toLowerCase(Locale.ROOT));
    JsonNode responses = operation.get("responses");
    String status = Integer.toString(sent.status());
    JsonNode response = document.resolved(responses.path(responses.has(status) ? status : "default"));
    JsonNode content = response.path("content").path(sent.contentType());
    assertTrue(content.has("schema"), () -> sent.contentType() + " of " + sent.status() + " is not described");
    assertEquals(List.of(), document.faults(content.get("schema"), EntityCodec.JSON.readTree(sent.body())), sent::body);
    response.path("headers").fieldNames().forEachRemaining(header -> assertTrue(
        sent.headers().contains(header.toLowerCase(Locale.ROOT)) || sent.status() >= 400 || path.contains("dryRun"),
        () -> header + " is missing"));
  }

  @Test
  void changesOfEarlierAnswers_areAsDescribed() throws Exception {
    String id = node.put("/config/users/zoe", "{}").expect(201).json().get("id").textValue();
    Answer found = node.get("/config/changes/" + URLEncoder.encode(id, StandardCharsets.UTF_8)).expect(200);
    assertEquals(List.of(), document.faults(document.schema("ChangeOutcome"), found.json()), found::text);
    Answer past = node.get("/config/versions/1").expect(200);
    assertEquals(List.of(), document.faults(document.schema("Configuration"), past.json()), past::text);
  }

  private record Sent(int status, String contentType, String body, Set<String> headers) {}

  private Sent send(String method, String path) throws Exception {
    return send(method, path, "");
  }

  private Sent send(String method, String path, String body) throws Exception {
    Matcher parameter = PARAMETER.matcher(path);
    String filled = parameter.replaceAll(match -> Objects.requireNonNull(VALUES.get(match.group(1)), match.group(1) + " has no value"));
    HttpRequest request = node.request(method, filled, HttpRequest.BodyPublishers.ofString(body))
        .header("Authorization", "Bearer " + AdminFixture.ADMIN).build();
    HttpResponse<InputStream> response = node.http.send(request, HttpResponse.BodyHandlers.ofInputStream());
    String contentType = response.headers().firstValue("Content-Type").orElse("");
    try (InputStream text = response.body()) {
      // A stream of events has no end.
      String read = contentType.startsWith("text/event-stream") ? "" : new String(text.readAllBytes(), StandardCharsets.UTF_8);
      return new Sent(response.statusCode(), contentType.replaceAll(";.*", ""), read, response.headers().map().keySet().stream()
          .map(name -> name.toLowerCase(Locale.ROOT)).collect(Collectors.toSet()));
    }
  }
}
