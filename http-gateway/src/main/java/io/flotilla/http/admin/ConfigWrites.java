package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.http.Problem;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Changing the configuration: turns requests into operations for the primary and its replies into answers. */
final class ConfigWrites {
  private static final Pattern ENTITY_TAG = Pattern.compile("\"([1-9]\\d{0,17})\"");
  private static final Pattern IDEMPOTENCY_KEY = Pattern.compile("[\\x21-\\x7e]{1,128}");
  private static final String SINGLE = "/operations/0/value";
  private static final int MAX_COMMENT_LENGTH = 1_000;
  /** The most operations of a change that is written out; an import may have more. */
  static final int MAX_OPERATIONS = 10_000;
  /** Each plain password costs some 20 ms of processor here, while someone may want to log in. */
  static final int MAX_PASSWORDS = 1_000;
  /** Far fewer than may wait for the hasher, so that a batch leaves room for logins. */
  static final int MAX_PREPARING = 64;

  private final AdminContext context;
  private final PastVersions past;

  /** A request's own part in a change. */
  record Request(Caller caller, RequestParameters parameters, String id, boolean single) {}

  /**
   * What an answer says beside what all changes' answers say.
   *
   * @param refusal how a refusal is worded; may throw instead
   * @param more adds to the answer of a change that was made, or would be
   */
  record Telling(UnaryOperator<Refusal> refusal, Consumer<ObjectNode> more) {
    static final Telling PLAIN = new Telling(refusal -> refusal, json -> { });
  }

  /** An operation as it was sent, before its secrets are made. */
  private record Wish(Operation.Action action, EntityKey key, ObjectNode value, long ifVersion) {
    private static final String VERSION = "version";

    /**
     * An entity that was read has the version of its last change. Sent back with it, it is meant for that version only.
     *
     * @param value of which the version is taken
     * @param ifVersion what else is expected
     * @param pointer to the value in the request
     */
    static Wish of(Operation.Action action, EntityKey key, ObjectNode value, long ifVersion, String pointer) {
      JsonNode version = value == null ? null : value.remove(VERSION);
      if (version == null) {
        return new Wish(action, key, value, ifVersion);
      }
      if (!version.isIntegralNumber() || !version.canConvertToLong() || version.longValue() < 1) {
        throw new Problem.ProblemException(invalid(List.of(new FieldError(pointer + "/" + VERSION,
            "must be the version of the entity's last change, as it was read; leave it out to change whatever is there"))));
      }
      if (ifVersion != Operation.ANY && ifVersion != Operation.EXISTS && ifVersion != version.longValue()) {
        throw new Problem.ProblemException(Problem.malformed(pointer + "/" + VERSION + " is " + version.longValue()
            + ", but If-Match, If-None-Match or ifVersion demand something else; give one of them"));
      }
      return new Wish(action, key, value, version.longValue());
    }
  }

  ConfigWrites(AdminContext context, PastVersions past) {
    this.context = context;
    this.past = past;
  }

  CompletionStage<HttpResponse> put(HttpRequest http, Caller caller, RequestParameters parameters, EntityKey key, byte[] body) {
    ConfigReads.requireKind(key.kind());
    Wish wish = Wish.of(Operation.Action.PUT, key, JsonBody.object(body), precondition(http), "");
    return submit(request(http, caller, parameters, true, body), parameters.comment(), List.of(wish));
  }

  CompletionStage<HttpResponse> patch(HttpRequest http, Caller caller, RequestParameters parameters, EntityKey key, byte[] body) {
    ConfigReads.requireKind(key.kind());
    Wish wish = Wish.of(Operation.Action.PATCH, key, JsonBody.object(body), precondition(http), "");
    return submit(request(http, caller, parameters, true, body), parameters.comment(), List.of(wish));
  }

  CompletionStage<HttpResponse> delete(HttpRequest http, Caller caller, RequestParameters parameters, EntityKey key) {
    ConfigReads.requireKind(key.kind());
    Wish wish = new Wish(Operation.Action.DELETE, key, null, precondition(http));
    return submit(request(http, caller, parameters, true, new byte[0]), parameters.comment(), List.of(wish));
  }

  CompletionStage<HttpResponse> batch(HttpRequest http, Caller caller, RequestParameters parameters, byte[] body) {
    ObjectNode json = JsonBody.object(body);
    List<FieldError> errors = new ArrayList<>();
    json.fieldNames().forEachRemaining(field -> {
      if (!field.equals("comment") && !field.equals("operations")) {
        errors.add(new FieldError(FieldError.pointer(field), "is not a field of a change"));
      }
    });
    JsonNode comment = json.path("comment");
    checkComment(comment, errors);
    List<Wish> wishes = new ArrayList<>();
    if (!json.path("operations").isArray() || json.get("operations").isEmpty()) {
      errors.add(new FieldError("/operations", "must be a list of at least one operation"));
    } else if (json.get("operations").size() > MAX_OPERATIONS) {
      errors.add(new FieldError("/operations", "has over " + MAX_OPERATIONS + " operations"));
    } else {
      Iterator<JsonNode> elements = json.get("operations").elements();
      for (int i = 0; elements.hasNext(); i++) {
        readWish(elements.next(), "/operations/" + i, wishes, errors);
      }
      refuseTooManyPasswords(wishes, errors);
    }
    if (!errors.isEmpty()) {
      throw new Problem.ProblemException(invalid(errors));
    }
    return submit(request(http, caller, parameters, false, body), comment.asText(""), wishes);
  }

  /** {@code {"to": VERSION, "comment"?}}: one new change that restores that version. */
  CompletionStage<HttpResponse> rollBack(HttpRequest http, Caller caller, RequestParameters parameters, byte[] body) {
    requireWhole(caller);
    ObjectNode json = JsonBody.object(body);
    List<FieldError> errors = new ArrayList<>();
    json.fieldNames().forEachRemaining(field -> {
      if (!field.equals("comment") && !field.equals("to")) {
        errors.add(new FieldError(FieldError.pointer(field), "is not a field of a rollback"));
      }
    });
    JsonNode to = json.path("to");
    if (!to.isIntegralNumber() || !to.canConvertToLong() || to.longValue() < 1) {
      errors.add(new FieldError("/to", "must be a version of the configuration"));
    }
    checkComment(json.path("comment"), errors);
    if (!errors.isEmpty()) {
      throw new Problem.ProblemException(invalid(errors));
    }
    long head = headPrecondition(http);
    Request request = request(http, caller, parameters, false, body);
    ConfigClient.Request change = change(request, json.path("comment").asText("restore version " + to.longValue()));
    Function<Duration, CompletionStage<ConfigPrimary.SubmitReply>> send =
        timeout -> context.client().rollBack(change, to.longValue(), head, timeout);
    ClusterConfig present = context.live().view().config();
    if (!change.dryRun() || to.longValue() > present.version()) {
      return finish(request, List.of(), send);
    }
    return past.at(present, to.longValue()).thenCompose(wanted -> finish(request, List.of(),
        new Telling(refusal -> refusal, answer -> {
          answer.put("base", present.version());
          RevivedCredentials.describe(present, wanted, Instant.now(), answer);
        }), RequestParameters.DEFAULT_TIMEOUT, send));
  }

  static void requireWhole(Caller caller) {
    if (!Arrays.stream(Kind.values()).allMatch(kind -> caller.admin().mayChange(kind.id()))) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not change the configuration as a whole"));
    }
  }

  /** The version of the whole configuration that a request expects. */
  static long headPrecondition(HttpRequest http) {
    long expected = precondition(http);
    if (expected == Operation.ABSENT) {
      throw new Problem.ProblemException(Problem.malformed("the configuration exists; only If-Match can be asked of it"));
    }
    return expected == Operation.EXISTS ? Operation.ANY : expected;
  }

  private static void checkComment(JsonNode comment, List<FieldError> errors) {
    if (!comment.isMissingNode() && !(comment.isTextual() && isComment(comment.textValue()))) {
      errors.add(new FieldError("/comment", "must be Unicode text of at most " + MAX_COMMENT_LENGTH + " characters"));
    }
  }

  static boolean isComment(String text) {
    return text.length() <= MAX_COMMENT_LENGTH
        && text.codePoints().noneMatch(point -> Character.getType(point) == Character.SURROGATE);
  }

  private static void refuseTooManyPasswords(List<Wish> wishes, List<FieldError> errors) {
    long passwords = wishes.stream().filter(wish -> wish.value() != null
        && wish.key().kind().equals(Kind.USERS.id()) && wish.value().hasNonNull("password")).count();
    if (passwords > MAX_PASSWORDS) {
      errors.add(new FieldError("/operations", "has " + passwords + " plain passwords; one change may have "
          + MAX_PASSWORDS + ", so split it or use passwordHash"));
    }
  }

  private static void readWish(JsonNode node, String pointer, List<Wish> wishes, List<FieldError> errors) {
    if (!(node instanceof ObjectNode operation)) {
      errors.add(new FieldError(pointer, "must be an object"));
      return;
    }
    int before = errors.size();
    operation.fieldNames().forEachRemaining(field -> {
      if (!List.of("op", "kind", "name", "value", "ifVersion").contains(field)) {
        errors.add(new FieldError(pointer + FieldError.pointer(field), "is not a field of an operation"));
      }
    });
    Operation.Action action = switch (operation.path("op").asText("")) {
      case "put" -> Operation.Action.PUT;
      case "patch" -> Operation.Action.PATCH;
      case "delete" -> Operation.Action.DELETE;
      default -> null;
    };
    if (action == null) {
      errors.add(new FieldError(pointer + "/op", "must be 'put', 'patch' or 'delete'"));
    }
    for (String field : List.of("kind", "name")) {
      if (!operation.path(field).isTextual()) {
        errors.add(new FieldError(pointer + "/" + field, "must be text"));
      }
    }
    JsonNode value = operation.path("value");
    if (action != Operation.Action.DELETE && !value.isObject()) {
      errors.add(new FieldError(pointer + "/value", "must be an object"));
    }
    JsonNode ifVersion = operation.path("ifVersion");
    if (!ifVersion.isMissingNode() && !(ifVersion.isIntegralNumber() && ifVersion.canConvertToLong() && ifVersion.longValue() >= 0)) {
      errors.add(new FieldError(pointer + "/ifVersion", "must be a version, or 0 for 'must not exist'"));
    }
    if (errors.size() == before) {
      wishes.add(Wish.of(action, new EntityKey(operation.get("kind").textValue(), operation.get("name").textValue()),
          value instanceof ObjectNode object ? object : null, ifVersion.asLong(Operation.ANY), pointer + "/value"));
    }
  }

  private CompletionStage<HttpResponse> submit(Request request, String comment, List<Wish> wishes) {
    for (Wish wish : wishes) {
      if (!request.caller().admin().mayChange(wish.key().kind())) {
        throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
            "the role " + request.caller().admin().role().id() + " may not change " + wish.key().kind()));
      }
    }
    ConfigClient.Request change = change(request, comment);
    return prepare(wishes, request).thenCompose(operations ->
        finish(request, wishes, timeout -> context.client().submit(change, operations, timeout)));
  }

  private ConfigClient.Request change(Request request, String comment) {
    // What is wrong with these is told before passwords are hashed.
    request.parameters().waiting();
    request.parameters().timeout();
    return new ConfigClient.Request(request.id(), request.caller().author(context.node()), comment,
        request.parameters().flag("dryRun"), request.parameters().flag("force"));
  }

  private CompletionStage<HttpResponse> finish(
      Request request, List<Wish> wishes, Function<Duration, CompletionStage<ConfigPrimary.SubmitReply>> send) {
    return finish(request, wishes, Telling.PLAIN, RequestParameters.DEFAULT_TIMEOUT, send);
  }

  /** Sends a change and answers with what became of it. */
  CompletionStage<HttpResponse> finish(Request request, List<Wish> wishes, Telling telling, Duration otherwise,
      Function<Duration, CompletionStage<ConfigPrimary.SubmitReply>> send) {
    Duration timeout = request.parameters().timeout(otherwise);
    long deadline = System.nanoTime() + timeout.toNanos();
    return send.apply(timeout)
        .exceptionally(failure -> {
          throw unknownOutcome(request, failure);
        })
        .thenCompose(reply -> answer(request, wishes, telling, reply, request.parameters().waiting(), deadline));
  }

  private static RuntimeException unknownOutcome(Request request, Throwable failure) {
    Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    return cause instanceof ConfigClient.OutcomeUnknownException
        ? new Problem.ProblemException(Problem.of(504, "outcome-unknown", "The outcome is unknown", cause.getMessage())
            .aboutChange(request.id()))
        : new CompletionException(cause);
  }

  /** What can't be a key is refused here, because not every text can be sent to the primary. */
  private static Optional<String> problemWithKey(EntityKey key) {
    return Kind.of(key.kind()).isEmpty()
        ? Optional.of("'" + key.kind() + "' is not a kind of entity; known are " + Kind.known())
        : EntityKey.problemWithName(key.name());
  }

  private CompletionStage<List<Operation>> prepare(List<Wish> wishes, Request request) {
    return prepareFrom(wishes, new ArrayList<>(wishes.size())).thenApply(prepared -> {
      List<FieldError> errors = new ArrayList<>();
      List<Operation> operations = new ArrayList<>(wishes.size());
      for (int i = 0; i < wishes.size(); i++) {
        EntityInput.Prepared one = prepared.get(i);
        String pointer = request.single() ? "" : "/operations/" + i + "/value";
        one.errors().forEach(error -> errors.add(new FieldError(pointer + error.pointer(), error.detail())));
        Wish wish = wishes.get(i);
        problemWithKey(wish.key()).ifPresent(problem -> errors.add(new FieldError(pointer, problem)));
        byte[] document = one.document() == null ? null : bytes(one.document());
        if (document != null && document.length > EntityCodec.MAX_DOCUMENT_BYTES) {
          errors.add(new FieldError(pointer, "the document has over " + EntityCodec.MAX_DOCUMENT_BYTES + " bytes"));
        }
        operations.add(new Operation(
            wish.action(), wish.key().kind(), wish.key().name(), document, wish.ifVersion()));
      }
      if (!errors.isEmpty()) {
        throw new Problem.ProblemException(invalid(errors));
      }
      return operations;
    });
  }

  /** Prepares what is not prepared yet, one slice after another; the order stays that of the wishes. */
  private CompletionStage<List<EntityInput.Prepared>> prepareFrom(List<Wish> wishes, List<EntityInput.Prepared> done) {
    if (done.size() == wishes.size()) {
      return CompletableFuture.completedFuture(done);
    }
    List<CompletableFuture<EntityInput.Prepared>> slice =
        wishes.subList(done.size(), Math.min(wishes.size(), done.size() + MAX_PREPARING)).stream()
            .map(wish -> prepare(wish).toCompletableFuture()).toList();
    return CompletableFuture.allOf(slice.toArray(CompletableFuture[]::new)).thenCompose(all -> {
      slice.forEach(one -> done.add(one.join()));
      return prepareFrom(wishes, done);
    });
  }

  private CompletionStage<EntityInput.Prepared> prepare(Wish wish) {
    return wish.action() == Operation.Action.DELETE
        ? CompletableFuture.completedFuture(new EntityInput.Prepared(null, List.of()))
        : context.input().prepare(wish.key(), wish.value(), wish.action() == Operation.Action.PUT);
  }

  private CompletionStage<HttpResponse> answer(Request request, List<Wish> wishes, Telling telling,
      ConfigPrimary.SubmitReply reply, RequestParameters.Wait wait, long deadline) {
    return switch (reply) {
      case ConfigPrimary.Committed committed -> answerCommitted(request, wishes, telling, committed, wait, deadline);
      case ConfigPrimary.WouldCommit would -> {
        ObjectNode json = EntityCodec.JSON.createObjectNode();
        json.put("dryRun", true).put("version", would.version()).put("id", would.id());
        ObjectNode nodes = json.putObject("nodes");
        would.nodes().forEach((node, objections) -> describe(nodes, node, new ConfigPrimary.NodeProgress(
            objections.isEmpty() ? "ready" : "refuses", -1, objections)));
        telling.more().accept(json);
        yield CompletableFuture.completedFuture(Responses.json(200, json));
      }
      case ConfigPrimary.Unchanged unchanged -> {
        ObjectNode json = EntityCodec.JSON.createObjectNode();
        json.put("version", unchanged.version()).put("id", unchanged.id()).put("changed", 0);
        telling.more().accept(json);
        yield CompletableFuture.completedFuture(Responses.json(200, json, unchanged.version()));
      }
      case ConfigPrimary.Refused refused ->
          throw new Problem.ProblemException(refusal(telling.refusal().apply(refused.refusal()), request.single()).aboutChange(refused.id()));
      case ConfigPrimary.Busy busy -> throw new Problem.ProblemException(
          Problem.of(503, "busy", "Not now", busy.detail()).aboutChange(busy.id()));
      case ConfigPrimary.PartTaken part -> throw new IllegalStateException("the primary waits for more parts");
    };
  }

  private CompletionStage<HttpResponse> answerCommitted(Request request, List<Wish> wishes, Telling telling,
      ConfigPrimary.Committed committed, RequestParameters.Wait wait, long deadline) {
    Map<String, ConfigPrimary.NodeProgress> progress = new TreeMap<>();
    committed.objections().forEach((node, objections) ->
        progress.put(node, new ConfigPrimary.NodeProgress("degraded", -1, objections)));
    boolean created = request.single() && committed.created().contains(wishes.getFirst().key().toString());
    long begun = System.nanoTime();
    CompletionStage<Boolean> here = context.live()
        .awaitVersion(committed.version(), until(deadline))
        .handle((view, failure) -> failure == null);
    if (wait == RequestParameters.Wait.COMMITTED) {
      return here.thenApply(applied -> {
        progress.putIfAbsent(context.node(), applied
            ? new ConfigPrimary.NodeProgress("applied", (System.nanoTime() - begun) / 1_000_000, List.of())
            : ConfigReads.unknownProgress());
        return Responses.json(created ? 201 : 200, committed(committed, progress, telling), committed.version());
      });
    }
    return here.thenCompose(done -> context.client()
            .awaitApplied(committed.version(), until(deadline))
            .exceptionally(failure -> new ConfigPrimary.Applied(committed.version(), false, Map.of())))
        .thenApply(applied -> Responses.json(!applied.complete() ? 202 : created ? 201 : 200,
            committed(committed, applied.nodes().isEmpty() ? progress : applied.nodes(), telling), committed.version()));
  }

  private static Duration until(long deadline) {
    return Duration.ofNanos(Math.max(1_000_000, deadline - System.nanoTime()));
  }

  private static ObjectNode committed(
      ConfigPrimary.Committed committed, Map<String, ConfigPrimary.NodeProgress> progress, Telling telling) {
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("version", committed.version());
    json.put("id", committed.id());
    ObjectNode nodes = json.putObject("nodes");
    progress.forEach((node, state) -> describe(nodes, node, state));
    telling.more().accept(json);
    return json;
  }

  private static void describe(ObjectNode nodes, String node, ConfigPrimary.NodeProgress progress) {
    ObjectNode one = nodes.putObject(node).put("state", progress.state());
    if (progress.milliseconds() >= 0) {
      one.put("milliseconds", progress.milliseconds());
    }
    if (!progress.reasons().isEmpty()) {
      progress.reasons().forEach(one.putArray("reasons")::add);
    }
  }

  private static Problem refusal(Refusal refusal, boolean single) {
    List<FieldError> errors = single
        ? refusal.errors().stream().map(error -> new FieldError(
            error.pointer().startsWith(SINGLE) ? error.pointer().substring(SINGLE.length()) : error.pointer(),
            error.detail())).toList()
        : refusal.errors();
    String detail = single ? refusal.detail().replace(SINGLE, "").strip() : refusal.detail();
    return Problem.of(new Refusal(refusal.reason(), detail, errors, refusal.nodes()), errors);
  }

  static Problem invalid(List<FieldError> errors) {
    Refusal refusal = new Refusal(Refusal.Reason.INVALID,
        (errors.getFirst().pointer() + " " + errors.getFirst().detail()).strip(), errors);
    return Problem.of(refusal, refusal.errors());
  }

  private static Request request(
      HttpRequest http, Caller caller, RequestParameters parameters, boolean single, byte[] body) {
    return request(http, caller, parameters, single, ByteBuffer.wrap(body));
  }

  static Request request(
      HttpRequest http, Caller caller, RequestParameters parameters, boolean single, ByteBuffer body) {
    String id = http.getHeader("Idempotency-Key").map(HttpHeader::value).map(key -> {
      if (!IDEMPOTENCY_KEY.matcher(key).matches()) {
        throw new Problem.ProblemException(
            Problem.malformed("Idempotency-Key must be 1 to 128 visible ASCII characters"));
      }
      return caller.admin().name() + ":" + key + ":" + fingerprint(http, body);
    }).orElseGet(() -> UUID.randomUUID().toString());
    return new Request(caller, parameters, id, single);
  }

  /** Part of a change's id, so that a key that is used again for something else does not hide that. */
  private static String fingerprint(HttpRequest http, ByteBuffer body) {
    String what = http.method().value() + " " + http.getUri().getPathString() + " ";
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      sha.update(what.getBytes(StandardCharsets.UTF_8));
      sha.update(body);
      return HexFormat.of().formatHex(sha.digest(), 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static long precondition(HttpRequest http) {
    Optional<String> noneMatch = http.getHeader("If-None-Match").map(HttpHeader::value).map(String::strip);
    if (noneMatch.isPresent()) {
      if (!noneMatch.get().equals("*") || http.getHeader("If-Match").isPresent()) {
        throw new Problem.ProblemException(
            Problem.malformed("a change takes If-None-Match: * for 'must not exist', and then no If-Match"));
      }
      return Operation.ABSENT;
    }
    return http.getHeader("If-Match").map(HttpHeader::value).map(value -> {
      Matcher tag = ENTITY_TAG.matcher(value.strip());
      if (value.strip().equals("*")) {
        return Operation.EXISTS;
      }
      if (!tag.matches()) {
        throw new Problem.ProblemException(
            Problem.malformed("If-Match must be an ETag of this API, such as \"42\", or *"));
      }
      return Long.parseLong(tag.group(1));
    }).orElse(Operation.ANY);
  }

  private static byte[] bytes(ObjectNode document) {
    try {
      return EntityCodec.JSON.writeValueAsBytes(document);
    } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
      throw new Problem.ProblemException(Problem.malformed("the document holds text that is not valid Unicode"));
    }
  }
}
