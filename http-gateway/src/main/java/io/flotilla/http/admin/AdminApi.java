package io.flotilla.http.admin;

import io.flotilla.auth.PasswordHasher;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.EntityKey;
import io.flotilla.http.Problem;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
import java.util.function.Supplier;
import org.apache.pekko.http.javadsl.model.AttributeKeys;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RequestEntity;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.http.javadsl.model.headers.TimeoutAccess;
import org.apache.pekko.http.scaladsl.model.EntityStreamException;
import org.apache.pekko.http.scaladsl.model.EntityStreamSizeException;
import org.apache.pekko.http.scaladsl.model.IllegalUriException;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The admin API of one node: every request to its answer. What goes wrong becomes a problem (RFC 9457); nothing of the
 * server's inside is told to the caller.
 */
final class AdminApi {
  private static final long BODY_TIMEOUT_MILLIS = 30_000;
  /** Whoever asks to join has proved nothing yet. */
  private static final long MAX_JOIN_BYTES = 4096;
  private static final long IMPORT_BODY_TIMEOUT_MILLIS = 120_000;
  private static final long IMPORT_TIMEOUT_MILLIS = 300_000;
  private static final Logger log = LoggerFactory.getLogger(AdminApi.class);

  private final AdminContext context;
  private final Materializer materializer;
  private final BearerAuthentication authentication;
  private final ConfigReads reads;
  private final ConfigWrites writes;
  private final ConfigImport imports;
  private final ClusterReads cluster;
  private final PrimaryHandOver primary;
  private final ClaimReads claims;
  private final VoterRequests voters;
  private final ConnectionRequests connections;
  private final NodeRequests nodes;
  private final SessionRequests sessions;
  private final BalancerReads balancers;
  private final EventStream events;
  private final JoinRequests joins;
  private final OpenApi openApi = new OpenApi();

  AdminApi(AdminContext context, Materializer materializer) {
    this.context = context;
    this.materializer = materializer;
    this.authentication = new BearerAuthentication(context.live());
    PastVersions past = new PastVersions(context.client(), context.codec());
    this.reads = new ConfigReads(context, past);
    this.writes = new ConfigWrites(context, past);
    this.imports = new ConfigImport(context, writes);
    this.cluster = new ClusterReads(context);
    this.primary = new PrimaryHandOver(context);
    this.claims = new ClaimReads(context);
    this.voters = new VoterRequests(context);
    this.connections = new ConnectionRequests(context);
    this.nodes = new NodeRequests(context);
    this.sessions = new SessionRequests(context);
    this.balancers = new BalancerReads(context);
    this.events = new EventStream(context.events());
    this.joins = new JoinRequests(context, Clock.systemUTC());
  }

  CompletionStage<HttpResponse> handle(HttpRequest request) {
    // The default says that nothing was done.
    request.getHeader(TimeoutAccess.class).ifPresent(access -> access.timeoutAccess().updateHandler(_ -> Problem.of(504, "outcome-unknown",
        "The outcome is unknown", "this node took too long to answer; what was asked for may still be done").toResponse()));
    CompletionStage<HttpResponse> answer;
    try {
      answer = route(request, segments(request));
    } catch (RuntimeException e) {
      request.discardEntityBytes(materializer);
      answer = CompletableFuture.failedFuture(e);
    }
    return answer.exceptionally(failure -> failed(failure, request))
        .thenApply(response -> response.addHeader(RawHeader.create("X-Content-Type-Options", "nosniff")));
  }

  private CompletionStage<HttpResponse> route(HttpRequest request, List<String> path) {
    String method = request.method().value();
    if (path.size() == 2 && path.getFirst().equals("health") || path.equals(List.of("metrics"))) {
      return open(request, path.getLast(), method);
    }
    if (path.size() < 3 || !path.subList(0, 2).equals(List.of("api", "v1"))) {
      throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
    }
    if (path.equals(List.of("api", "v1", "join"))) {
      requireMethod(method, "POST");
      return withBody(request, MAX_JOIN_BYTES, BODY_TIMEOUT_MILLIS, body -> joins.join(body.toArray()));
    }
    Caller caller = caller(request);
    RequestParameters parameters = parameters(request);
    List<String> rest = path.subList(2, path.size());
    if (rest.getFirst().equals("config")) {
      return config(request, method, rest.subList(1, rest.size()), caller, parameters);
    }
    if (rest.getFirst().equals("voters")) {
      return voters(request, method, rest.subList(1, rest.size()), caller, parameters);
    }
    if (rest.getFirst().equals("nodes") && rest.size() > 1) {
      return nodes(request, method, rest.subList(1, rest.size()), caller, parameters);
    }
    if (rest.getFirst().equals("join-tokens") && rest.size() == 2) {
      requireMethod(method, "DELETE");
      request.discardEntityBytes(materializer);
      return joins.revoke(caller, rest.get(1));
    }
    if (rest.getFirst().equals("connections") && rest.size() == 2) {
      requireMethod(method, "DELETE");
      request.discardEntityBytes(materializer);
      return connections.close(caller, rest.get(1));
    }
    if (rest.getFirst().equals("sessions")) {
      return sessions(request, method, rest.subList(1, rest.size()), caller, parameters);
    }
    return switch (String.join("/", rest)) {
      case "cluster" -> get(request, method, cluster::cluster);
      case "cluster/primary" -> method.equals("POST")
          ? withBody(request, body -> primary.designate(caller, parameters, body)) : get(request, method, primary::show);
      case "lb/haproxy", "lb/nginx" -> get(request, method, () -> balancers.show(rest.getLast(), parameters));
      case "connections" -> get(request, method, () -> connections.list(parameters));
      case "openapi.yaml" -> get(request, method, () -> CompletableFuture.completedFuture(openApi.show()));
      case "join-tokens" -> {
        requireMethod(method, "POST");
        yield withBody(request, body -> joins.create(caller, body));
      }
      case "claims" -> get(request, method, () -> claims.list(parameters));
      case "events" -> get(request, method, () -> CompletableFuture.completedFuture(
          events.open(materializer, () -> authentication.isStill(caller.admin()))));
      default -> throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
    };
  }

  private CompletionStage<HttpResponse> nodes(
      HttpRequest request, String method, List<String> path, Caller caller, RequestParameters parameters) {
    String node = path.getFirst();
    if (path.size() == 1) {
      return switch (method) {
        case "GET", "HEAD" -> get(request, method, () -> nodes.show(node));
        case "DELETE" -> {
          request.discardEntityBytes(materializer);
          yield voters.forget(caller, node);
        }
        default -> throw new NotAllowedException("GET, HEAD, DELETE");
      };
    }
    Optional<Supplier<CompletionStage<HttpResponse>>> order = path.size() > 2 ? Optional.empty() : switch (path.get(1)) {
      case "drain" -> Optional.of(() -> nodes.drain(caller, parameters, node));
      case "resume" -> Optional.of(() -> nodes.resume(caller, node));
      case "leave" -> Optional.of(() -> nodes.leave(caller, parameters, node));
      case "restart" -> Optional.of(() -> nodes.restart(caller, parameters, node));
      default -> Optional.empty();
    };
    if (order.isEmpty()) {
      throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
    }
    requireMethod(method, "POST");
    request.discardEntityBytes(materializer);
    return order.get().get();
  }

  private CompletionStage<HttpResponse> sessions(
      HttpRequest request, String method, List<String> path, Caller caller, RequestParameters parameters) {
    if (path.isEmpty() && !method.equals("DELETE")) {
      return get(request, method, () -> sessions.list(parameters));
    }
    if (path.size() > 1) {
      throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
    }
    requireMethod(method, "DELETE");
    request.discardEntityBytes(materializer);
    return path.isEmpty() ? sessions.endOf(caller, parameters) : sessions.end(caller, path.getFirst());
  }

  private CompletionStage<HttpResponse> voters(
      HttpRequest request, String method, List<String> path, Caller caller, RequestParameters parameters) {
    if (path.isEmpty()) {
      return method.equals("POST")
          ? withBody(request, body -> voters.add(caller, parameters, body)) : get(request, method, voters::list);
    }
    if (path.size() == 1) {
      requireMethod(method, "DELETE");
      request.discardEntityBytes(materializer);
      return voters.remove(caller, parameters, path.getFirst());
    }
    if (path.size() == 2 && path.get(1).equals("replace")) {
      requireMethod(method, "POST");
      return withBody(request, body -> voters.replace(caller, parameters, path.getFirst(), body));
    }
    throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
  }

  private CompletionStage<HttpResponse> open(HttpRequest request, String what, String method) {
    return get(request, method, () -> CompletableFuture.completedFuture(switch (what) {
      case "live" -> cluster.live();
      case "ready" -> cluster.ready();
      case "metrics" -> HttpResponse.create().withEntity(HttpEntities.create(
          ContentTypes.parse("text/plain; version=0.0.4; charset=UTF-8"),
          ByteString.fromString(context.metrics().get())));
      default -> Problem.notFound("this server has nothing at that path").toResponse();
    }));
  }

  private CompletionStage<HttpResponse> config(
      HttpRequest request, String method, List<String> path, Caller caller, RequestParameters parameters) {
    return switch (path.size()) {
      case 0 -> get(request, method, () -> reads.everything(parameters));
      case 1 -> switch (path.getFirst()) {
        case "history" -> get(request, method, () -> reads.history(parameters));
        case "export" -> get(request, method, () -> reads.export(parameters, caller));
        case "import" -> {
          requireMethod(method, "POST");
          yield importDocument(request, caller, parameters);
        }
        case "diff" -> get(request, method, () -> reads.diff(parameters));
        case "changes" -> {
          requireMethod(method, "POST");
          yield withBody(request, body -> writes.batch(request, caller, parameters, body));
        }
        case "rollback" -> {
          requireMethod(method, "POST");
          yield withBody(request, body -> writes.rollBack(request, caller, parameters, body));
        }
        default -> get(request, method, () -> reads.list(path.getFirst(), parameters));
      };
      case 2 -> switch (path.getFirst()) {
        case "changes" -> get(request, method, () -> reads.change(path.get(1)));
        case "versions" -> get(request, method, () -> reads.version(path.get(1), parameters));
        default -> entity(request, method, new EntityKey(path.get(0), path.get(1)), caller, parameters);
      };
      default -> throw new Problem.ProblemException(Problem.notFound("this server has nothing at that path"));
    };
  }

  private CompletionStage<HttpResponse> entity(
      HttpRequest request, String method, EntityKey key, Caller caller, RequestParameters parameters) {
    return switch (method) {
      case "GET", "HEAD" -> get(request, method, () -> reads.one(key, parameters));
      case "PUT" -> withBody(request, body -> writes.put(request, caller, parameters, key, body));
      case "PATCH" -> withBody(request, body -> writes.patch(request, caller, parameters, key, body));
      case "DELETE" -> {
        request.discardEntityBytes(materializer);
        yield writes.delete(request, caller, parameters, key);
      }
      default -> throw new NotAllowedException("GET, HEAD, PUT, PATCH, DELETE");
    };
  }

  private CompletionStage<HttpResponse> get(
      HttpRequest request, String method, Supplier<CompletionStage<HttpResponse>> answer) {
    if (!method.equals("GET") && !method.equals("HEAD")) {
      throw new NotAllowedException("GET, HEAD");
    }
    request.discardEntityBytes(materializer);
    return answer.get();
  }

  private CompletionStage<HttpResponse> withBody(
      HttpRequest request, Function<byte[], CompletionStage<HttpResponse>> answer) {
    return withBody(request, context.maxBodyBytes(), BODY_TIMEOUT_MILLIS, body -> answer.apply(body.toArray()));
  }

  private CompletionStage<HttpResponse> withBody(HttpRequest request, long maxBytes, long timeoutMillis,
      Function<ByteString, CompletionStage<HttpResponse>> answer) {
    RequestEntity entity = request.entity();
    OptionalLong length = entity.getContentLengthOption();
    if (length.isPresent() && length.getAsLong() > maxBytes) {
      return CompletableFuture.completedFuture(
          tooLarge(maxBytes).toResponse().addHeader(Connection.create("close")));
    }
    return entity.withSizeLimit(maxBytes).toStrict(timeoutMillis, maxBytes, materializer)
        .exceptionally(failure -> {
          throw switch (cause(failure)) {
            case TimeoutException slow -> new Problem.ProblemException(Problem.of(408, "slow-request",
                "The request was too slow",
                "the body did not arrive within " + timeoutMillis / 1_000 + " s; send it again"));
            case EntityStreamSizeException large -> new Problem.ProblemException(tooLarge(maxBytes));
            case EntityStreamException cut -> new Problem.ProblemException(
                Problem.malformed("the body ended before it was whole"));
            case Throwable other -> new CompletionException(other);
          };
        })
        .thenCompose(strict -> answer.apply(strict.getData()));
  }

  /** A large document takes its time to arrive and to commit. */
  private CompletionStage<HttpResponse> importDocument(HttpRequest request, Caller caller, RequestParameters parameters) {
    ConfigImport.Begun begun = imports.begin(request, caller, parameters);
    CompletionStage<HttpResponse> answer;
    try {
      request.getHeader(TimeoutAccess.class).ifPresent(access -> access.timeoutAccess()
          .updateTimeout(Duration.ofMillis(IMPORT_TIMEOUT_MILLIS)));
      answer = withBody(request, context.maxImportBytes(), IMPORT_BODY_TIMEOUT_MILLIS,
          body -> imports.run(request, begun, body));
    } catch (RuntimeException e) {
      imports.end();
      throw e;
    }
    return answer.whenComplete((done, failure) -> imports.end());
  }

  private Caller caller(HttpRequest request) {
    Optional<Admin> admin = authentication.authenticate(request);
    String address = request.getAttribute(AttributeKeys.remoteAddress)
        .flatMap(org.apache.pekko.http.javadsl.model.RemoteAddress::getAddress)
        .map(java.net.InetAddress::getHostAddress).orElse("unknown");
    return new Caller(admin.orElseThrow(() -> new Problem.ProblemException(Problem.of(401, "unauthorized",
        "Who are you?", "a valid token is needed: Authorization: Bearer TOKEN"))), address);
  }

  private static RequestParameters parameters(HttpRequest request) {
    Map<String, String> values = new HashMap<>();
    try {
      request.getUri().query().toList().forEach(pair -> values.put(pair.first(), pair.second()));
    } catch (IllegalUriException e) {
      throw new Problem.ProblemException(Problem.malformed("the query is not well formed: " + e.getMessage()));
    }
    return new RequestParameters(Map.copyOf(values));
  }

  private static List<String> segments(HttpRequest request) {
    List<String> segments = new ArrayList<>();
    request.getUri().pathSegments().forEach(segments::add);
    return segments;
  }

  private static void requireMethod(String method, String allowed) {
    if (!method.equals(allowed)) {
      throw new NotAllowedException(allowed);
    }
  }

  /** The path takes other methods. */
  private static final class NotAllowedException extends RuntimeException {
    private static final long serialVersionUID = 1L;
    private final String allowed;

    NotAllowedException(String allowed) {
      super("this path takes " + allowed);
      this.allowed = allowed;
    }
  }

  private static Problem tooLarge(long maxBytes) {
    return Problem.of(413, "too-large", "The request is too large",
        "a body may have at most " + maxBytes + " bytes here; split the change");
  }

  private HttpResponse failed(Throwable failure, HttpRequest request) {
    return cause(failure) instanceof NotAllowedException other
        ? Problem.of(405, "method-not-allowed", "Not with this method", other.getMessage()).toResponse()
            .addHeader(RawHeader.create("Allow", other.allowed))
        : problem(cause(failure), request).toResponse();
  }

  private static Throwable cause(Throwable failure) {
    return failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
  }

  private Problem problem(Throwable cause, HttpRequest request) {
    return switch (cause) {
      case Problem.ProblemException known -> known.problem();
      case ConfigClient.PrimaryUnavailableException unavailable ->
          Problem.of(503, "no-primary", "No change can be made now", unavailable.getMessage());
      case ClaimClient.KeeperUnavailableException unavailable ->
          Problem.of(503, "no-keeper", "The claims cannot be reached now", unavailable.getMessage());
      case Voters.UnavailableException unavailable ->
          Problem.of(503, "no-quorum", "The voters cannot be asked", unavailable.getMessage());
      case Voters.NoVotersException none -> Problem.of(409, "no-voters", "This cluster has no voters", none.getMessage());
      case PasswordHasher.HasherBusyException busy -> Problem.of(503, "busy", "Not now", busy.getMessage());
      case ConfigImport.StalePlanException stale -> stale.problem();
      case TimeoutException timeout ->
          Problem.of(504, "timeout", "No answer in time", "the primary did not answer in time");
      default -> {
        log.error("{} {} failed", request.method().value(), request.getUri().getPathString(), cause);
        yield Problem.of(500, "internal", "An internal error", "this node failed to answer; its log says why");
      }
    };
  }
}
