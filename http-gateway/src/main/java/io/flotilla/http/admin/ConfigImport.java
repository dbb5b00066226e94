package io.flotilla.http.admin;

import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.util.ByteString;

/**
 * Import of a configuration document as one change. What differs is computed here, against this node's view, and each
 * operation names the version of the entity that it was computed for; so the primary commits what was computed or nothing.
 * One import at a time, since each may hold {@code flotilla.admin.max-import} bytes in memory several times over.
 */
final class ConfigImport {
  /** Several times what a change of 50 MB was seen to take, and less than a silent connection is kept open. */
  static final Duration DEFAULT_TIMEOUT = Duration.ofSeconds(100);
  private static final int MOST_TRIES = 3;
  private static final Duration NEWER_VIEW = Duration.ofSeconds(2);

  private final AdminContext context;
  private final ConfigWrites writes;
  private final Semaphore running = new Semaphore(1);

  ConfigImport(AdminContext context, ConfigWrites writes) {
    this.context = context;
    this.writes = writes;
  }

  /** A request that was found good before its body was read. */
  record Begun(Caller caller, RequestParameters parameters, boolean delete, long head) {}

  /** Checks all but the body, and takes the one place there is; {@link #end} gives it back. */
  Begun begin(HttpRequest http, Caller caller, RequestParameters parameters) {
    ConfigWrites.requireWhole(caller);
    parameters.waiting();
    parameters.timeout();
    parameters.comment();
    parameters.flag("dryRun");
    parameters.flag("force");
    Begun begun = new Begun(caller, parameters, parameters.flag("delete"), ConfigWrites.headPrecondition(http));
    if (context.client().isIsolated()) {
      throw new ConfigClient.PrimaryUnavailableException(
          "this node hears no primary, so it takes no configuration changes; it goes on serving what it has");
    }
    if (!running.tryAcquire()) {
      throw new Problem.ProblemException(Problem.of(503, "busy", "Not now",
          "this node works on an import already; try again when it is done, or at another node"));
    }
    return begun;
  }

  void end() {
    running.release();
  }

  CompletionStage<HttpResponse> run(HttpRequest http, Begun begun, ByteString body) {
    ConfigWrites.Request request =
        ConfigWrites.request(http, begun.caller(), begun.parameters(), false, body.toByteBuffer());
    return alreadyMade(http, request).thenCompose(version -> version > 0
        ? writes.finish(request, List.of(), ConfigWrites.Telling.PLAIN, DEFAULT_TIMEOUT, timeout ->
            CompletableFuture.completedFuture(
                new ConfigPrimary.Committed(request.id(), version, List.of(), java.util.Map.of())))
        : tryToImport(request, begun, body, 1));
  }

  /** A repeated import would find nothing to change, and its If-Match stale; what it did is told instead. */
  private CompletionStage<Long> alreadyMade(HttpRequest http, ConfigWrites.Request request) {
    return http.getHeader("Idempotency-Key").isEmpty()
        ? CompletableFuture.completedFuture(0L)
        : context.client().findChange(request.id(), request.parameters().timeout(DEFAULT_TIMEOUT))
            .thenApply(ConfigPrimary.ChangeFound::version);
  }

  private CompletionStage<HttpResponse> tryToImport(ConfigWrites.Request request, Begun begun, ByteString body, int attempt) {
    return viewFor(begun).thenCompose(config -> async(() ->
            ImportPlan.of(config, body.asInputStream(), begun.delete(), context.codec(), context.input())))
        .thenCompose(plan -> submit(request, begun, plan).exceptionallyCompose(failure ->
            failure.getCause() instanceof StalePlanException && begun.head() == Operation.ANY && attempt < MOST_TRIES
                ? context.live().awaitVersion(plan.config().version() + 1, NEWER_VIEW).handle((view, late) -> late)
                    .thenCompose(any -> tryToImport(request, begun, body, attempt + 1))
                : CompletableFuture.failedFuture(failure)));
  }

  /** The configuration to compare with: of the version that the caller names, or the present one. */
  private CompletionStage<ClusterConfig> viewFor(Begun begun) {
    if (begun.head() == Operation.ANY) {
      return CompletableFuture.completedFuture(context.live().view().config());
    }
    return context.live().awaitVersion(begun.head(), begun.parameters().timeout())
        .handle((view, failure) -> context.live().view().config())
        .thenApply(config -> {
          if (config.version() != begun.head()) {
            throw new Problem.ProblemException(Problem.of(412, "stale", "The configuration has changed",
                "the configuration is at version " + config.version() + ", not at " + begun.head()
                    + "; look at what changed and repeat the request"));
          }
          return config;
        });
  }

  private CompletionStage<HttpResponse> submit(ConfigWrites.Request request, Begun begun, ImportPlan plan) {
    plan.warnAbout(begun.caller().admin());
    boolean dryRun = begun.parameters().flag("dryRun");
    ConfigWrites.Telling telling = new ConfigWrites.Telling(refusal -> inDocument(request, plan, refusal), json -> {
      if (dryRun) {
        json.put("dryRun", true);
      }
      plan.describe(json, dryRun);
    });
    if (plan.operations().isEmpty()) {
      return writes.finish(request, List.of(), telling, DEFAULT_TIMEOUT, timeout -> CompletableFuture.completedFuture(
          new ConfigPrimary.Unchanged(request.id(), plan.config().version())));
    }
    String comment = begun.parameters().text("comment").orElse("import of a configuration document");
    ConfigClient.Request change = new ConfigClient.Request(request.id(), begun.caller().author(context.node()), comment,
        dryRun, begun.parameters().flag("force"), Math.max(begun.head(), 0));
    return writes.finish(request, List.of(), telling, DEFAULT_TIMEOUT,
        timeout -> context.client().submit(change, plan.operations(), timeout));
  }

  /** The plan was made for entities that have changed meanwhile. */
  static final class StalePlanException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final transient Refusal refusal;
    private final String changeId;

    StalePlanException(Refusal refusal, String changeId) {
      super(refusal.detail());
      this.refusal = refusal;
      this.changeId = changeId;
    }

    Problem problem() {
      return Problem.of(refusal, List.of()).aboutChange(changeId);
    }
  }

  private static Refusal inDocument(ConfigWrites.Request request, ImportPlan plan, Refusal refusal) {
    if (refusal.reason() == Refusal.Reason.STALE) {
      throw new StalePlanException(refusal, request.id());
    }
    List<FieldError> errors = refusal.errors().stream().map(plan::inDocument).toList();
    String detail = errors.isEmpty() ? refusal.detail() : errors.getFirst().pointer() + " " + errors.getFirst().detail()
        + (errors.size() > 1 ? " (and " + (errors.size() - 1) + " more)" : "");
    return new Refusal(refusal.reason(), detail, errors, refusal.nodes());
  }

  private static <T> CompletionStage<T> async(Supplier<T> work) {
    return CompletableFuture.supplyAsync(work, task -> Thread.ofPlatform().daemon().name("config-import").start(task));
  }
}
