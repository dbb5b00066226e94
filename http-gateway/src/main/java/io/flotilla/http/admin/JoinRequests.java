package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.claim.event.Claim;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.Durations;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.JoinToken;
import io.flotilla.config.model.Kind;
import io.flotilla.http.Problem;
import io.flotilla.log.LogThrottle;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes and revokes join tokens, and gives the cluster's key to the node that has one. A token is used once: that is a claim, so two nodes
 * that use it at once, by whatever nodes, can't both be answered.
 */
final class JoinRequests {
  private static final Logger log = LoggerFactory.getLogger(JoinRequests.class);
  private static final Duration USUAL_TIME = Duration.ofHours(1);
  private static final Duration MOST_TIME = Duration.ofDays(7);
  /** How far the clocks of two nodes may differ for a used token to be known as long as any of them takes it. */
  private static final Duration CLOCKS = Duration.ofMinutes(10);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int MAX_ADDRESSES = 16;
  private static final int MAX_ANSWERED = 100;
  private static final String REVOKED = "revoked";
  private static final Pattern ID = Pattern.compile("[A-Za-z0-9_-]{16}");
  private static final Set<String> FIELDS = Set.of("time", "addresses");

  private final AdminContext context;
  private final Clock clock;
  private final LogThrottle forgeries = new LogThrottle();
  /** Of those who have a token of this cluster, which nobody without one can hide. */
  private final LogThrottle refusals = new LogThrottle();
  /** By token, who was told last, so that a request that is repeated costs the cluster nothing. */
  private final Map<String, String> answered = Collections.synchronizedMap(new LinkedHashMap<>() {
    private static final long serialVersionUID = 1L;

    @Override
    protected boolean removeEldestEntry(Map.Entry<String, String> eldest) {
      return size() > MAX_ANSWERED;
    }
  });

  JoinRequests(AdminContext context, Clock clock) {
    this.context = context;
    this.clock = clock;
  }

  /** A new token, told this once. */
  CompletionStage<HttpResponse> create(Caller caller, byte[] body) {
    requireAdmin(caller);
    ObjectNode json = body.length == 0 ? EntityCodec.JSON.createObjectNode() : JsonBody.object(body);
    json.fieldNames().forEachRemaining(field -> {
      if (!FIELDS.contains(field)) {
        throw JsonBody.malformed("there is no field " + field + "; there are time and addresses");
      }
    });
    JoinToken token = JoinToken.create(
        context.joining().welcome().key(), caller.admin().name(), clock.instant().plus(time(json)), addresses(json));
    told("join-token-made", "The join token " + token.id() + ", which holds until " + token.expiresAt() + ", was made by "
        + caller.admin().name() + " from " + caller.address());
    ObjectNode answer = EntityCodec.JSON.createObjectNode().put("token", token.text()).put("id", token.id())
        .put("expiresAt", token.expiresAt().toString());
    token.addresses().forEach(answer.putArray("addresses")::add);
    return CompletableFuture.completedFuture(Responses.json(201, answer).addHeader(RawHeader.create("Cache-Control", "no-store")));
  }

  private static void requireAdmin(Caller caller) {
    if (!caller.admin().mayOperate()) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not let nodes into the cluster"));
    }
  }

  private static Duration time(ObjectNode json) {
    JsonNode time = json.path("time");
    if (time.isMissingNode() || time.isNull()) {
      return USUAL_TIME;
    }
    try {
      return Durations.parse(time.asText(), MOST_TIME);
    } catch (IllegalArgumentException e) {
      throw JsonBody.malformed("time " + e.getMessage());
    }
  }

  private List<String> addresses(ObjectNode json) {
    JsonNode given = json.path("addresses");
    if (given.isMissingNode() || given.isNull()) {
      return context.joining().addresses();
    }
    List<String> addresses = new ArrayList<>();
    given.forEach(address -> addresses.add(address.asText()));
    if (!given.isArray() || addresses.isEmpty() || addresses.size() > MAX_ADDRESSES
        || !addresses.stream().allMatch(JoinRequests::isUsable)) {
      throw JsonBody.malformed("addresses must be 1 to " + MAX_ADDRESSES + " addresses of the admin API such as https://10.0.0.1:20000");
    }
    return addresses;
  }

  private static boolean isUsable(String address) {
    try {
      URI uri = URI.create(address);
      return ("https".equals(uri.getScheme()) || "http".equals(uri.getScheme())) && uri.getHost() != null && uri.getRawQuery() == null
          && (uri.getRawPath().isEmpty() || uri.getRawPath().equals("/"));
    } catch (IllegalArgumentException e) {
      return false;
    }
  }

  /** Makes a token as good as used, whether it was or not. */
  CompletionStage<HttpResponse> revoke(Caller caller, String id) {
    requireAdmin(caller);
    if (!ID.matcher(id).matches()) {
      throw new Problem.ProblemException(Problem.notFound("that is no join token's id"));
    }
    return context.claims().acquire(key(id), REVOKED, MOST_TIME.plus(CLOCKS), PATIENCE).thenApply(reply -> switch (reply) {
      case ClaimKeeper.Granted _ -> {
        told("join-token-revoked", "The join token " + id + " was revoked by " + caller.admin().name() + " from " + caller.address());
        yield Responses.json(200, EntityCodec.JSON.createObjectNode().put("id", id));
      }
      case ClaimKeeper.Held(var claim, _) -> throw new Problem.ProblemException(Problem.of(409, "used", "The join token was used",
          "node " + node(claim) + " has used it, and has the cluster's key"));
      case ClaimKeeper.Refused(_, var reason) -> throw new Problem.ProblemException(Problem.of(503, "busy", "Not now", reason));
      case ClaimKeeper.Lost _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to Acquire: " + reply);
    });
  }

  /** Who asks has no other right than the token. */
  CompletionStage<HttpResponse> join(byte[] body) {
    JoinToken.Ask ask = ask(JsonBody.object(body));
    JoinToken.Answer answer = JoinToken.answer(ask, context.joining().welcome()).orElseThrow(() -> refused(forgeries, ask,
        Problem.of(403, "forbidden", "Not allowed", "the join token is none of this cluster")));
    Instant now = clock.instant();
    if (ask.expires() <= now.getEpochSecond()) {
      throw refused(refusals, ask, Problem.of(410, "expired", "Too late",
          "the join token ran out at " + Instant.ofEpochSecond(ask.expires()) + "; make another by 'flotilla join-token'"));
    }
    if (!mayLetIn(ask.maker())) {
      throw refused(refusals, ask, Problem.of(403, "forbidden", "Not allowed",
          "the admin who made the join token may not let nodes in any more"));
    }
    // The same request again, because its answer was lost, is the same holder.
    String holder = ask.node() + " " + Base64.getUrlEncoder().withoutPadding().encodeToString(ask.proof());
    if (holder.equals(answered.get(ask.id()))) {
      return CompletableFuture.completedFuture(json(answer));
    }
    Duration time = Duration.between(now, Instant.ofEpochSecond(ask.expires())).plus(CLOCKS);
    return context.claims().acquire(key(ask.id()), holder, time, PATIENCE).thenApply(reply -> switch (reply) {
      case ClaimKeeper.Granted _ -> {
        answered.put(ask.id(), holder);
        told("node-let-in", "Node " + ask.node() + " was given the cluster's key for the join token " + ask.id() + " of " + ask.maker());
        yield json(answer);
      }
      case ClaimKeeper.Held(var claim, _) -> throw refused(refusals, ask, Problem.of(409, "used", "The join token can't be used",
          (claim.holder().equals(REVOKED) ? "it was revoked" : "node " + node(claim) + " has used it")
              + "; make another by 'flotilla join-token'"));
      case ClaimKeeper.Refused(_, var reason) -> throw refused(refusals, ask, Problem.of(503, "busy", "Not now", reason));
      case ClaimKeeper.Lost _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to Acquire: " + reply);
    });
  }

  private boolean mayLetIn(String maker) {
    return context.live().view().config().find(Kind.ADMINS, maker, Admin.class).filter(Admin::mayOperate).isPresent();
  }

  private static String key(String id) {
    return "join-token/" + id;
  }

  private static String node(Claim claim) {
    return claim.holder().split(" ")[0];
  }

  private static JoinToken.Ask ask(ObjectNode json) {
    try {
      String id = json.path("id").asText();
      String node = json.path("node").asText();
      byte[] publicKey = json.path("publicKey").binaryValue();
      byte[] proof = json.path("proof").binaryValue();
      if (json.size() != 6 || !json.path("id").isTextual() || !ID.matcher(id).matches() || publicKey == null || proof == null
          || !json.path("node").isTextual() || EntityKey.problemWithName(node).isPresent() || !json.path("maker").isTextual()
          || !json.path("expires").isIntegralNumber() || !json.path("expires").canConvertToLong()) {
        throw JsonBody.malformed("the body must have the fields id, maker, expires, node, publicKey and proof of a node that joins");
      }
      return new JoinToken.Ask(id, json.path("maker").textValue(), json.path("expires").longValue(), node, publicKey, proof);
    } catch (IOException e) {
      throw JsonBody.malformed("publicKey and proof must be in Base64");
    }
  }

  private static HttpResponse json(JoinToken.Answer answer) {
    return Responses.json(200, EntityCodec.JSON.createObjectNode().put("publicKey", answer.publicKey()).put("sealed", answer.sealed()));
  }

  private void told(String type, String message) {
    log.info("{}", message);
    context.events().publish(type, EntityCodec.JSON.createObjectNode().put("message", message).toString());
  }

  /** Tells the operator, but not of each of many: anybody can ask. */
  private static Problem.ProblemException refused(LogThrottle throttle, JoinToken.Ask ask, Problem problem) {
    if (throttle.isDue()) {
      log.warn("A node that calls itself {} was not let into the cluster: {}", ask.node(), problem.detail());
    }
    return new Problem.ProblemException(problem);
  }
}
