package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.LogThrottle;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.config.model.Durations;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.JoinToken;
import io.flotilla.http.Problem;
import java.io.IOException;
import java.net.URI;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes join tokens, and gives the cluster's key to the node that has one. A token is used once: that is a claim, so two nodes that use it
 * at once, by whatever nodes, can't both be answered.
 */
final class JoinRequests {
  private static final Logger log = LoggerFactory.getLogger(JoinRequests.class);
  private static final Duration USUAL_TIME = Duration.ofHours(1);
  private static final Duration MOST_TIME = Duration.ofDays(7);
  /** How far the clocks of two nodes may differ for a used token to be known as long as any of them takes it. */
  private static final Duration CLOCKS = Duration.ofMinutes(10);
  private static final Duration PATIENCE = Duration.ofSeconds(10);
  private static final int MAX_ADDRESSES = 16;
  private static final Set<String> FIELDS = Set.of("time", "addresses");

  private final AdminContext context;
  private final Clock clock;
  private final LogThrottle refusals = new LogThrottle();

  JoinRequests(AdminContext context, Clock clock) {
    this.context = context;
    this.clock = clock;
  }

  /** A new token, told this once. */
  CompletionStage<HttpResponse> create(Caller caller, byte[] body) {
    if (!caller.admin().mayOperate()) {
      throw new Problem.ProblemException(Problem.of(403, "forbidden", "Not allowed",
          "the role " + caller.admin().role().id() + " may not let nodes into the cluster"));
    }
    ObjectNode json = body.length == 0 ? EntityCodec.JSON.createObjectNode() : JsonBody.object(body);
    json.fieldNames().forEachRemaining(field -> {
      if (!FIELDS.contains(field)) {
        throw JsonBody.malformed("there is no field " + field + "; there are time and addresses");
      }
    });
    JoinToken token = JoinToken.create(context.joining().key(), clock.instant().plus(time(json)), addresses(json));
    log.info("A join token ({}) was made by {} from {}, which holds until {}", token.id(), caller.admin().name(), caller.address(),
        token.expiresAt());
    ObjectNode answer = EntityCodec.JSON.createObjectNode().put("token", token.text()).put("id", token.id())
        .put("expiresAt", token.expiresAt().toString());
    token.addresses().forEach(answer.putArray("addresses")::add);
    return CompletableFuture.completedFuture(Responses.json(201, answer));
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
    if (!given.isArray() || addresses.isEmpty() || addresses.size() > MAX_ADDRESSES || !addresses.stream().allMatch(JoinRequests::isUsable)) {
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

  /** Who asks has no other right than the token. */
  CompletionStage<HttpResponse> join(byte[] body) {
    JoinToken.Ask ask = ask(JsonBody.object(body));
    JoinToken.Answer answer = JoinToken.answer(context.joining().key(), ask).orElseThrow(() -> refused(ask,
        Problem.of(403, "forbidden", "Not allowed", "the join token is none of this cluster")));
    Instant now = clock.instant();
    if (ask.expires() <= now.getEpochSecond()) {
      throw refused(ask, Problem.of(410, "expired", "Too late",
          "the join token ran out at " + Instant.ofEpochSecond(ask.expires()) + "; make another by 'flotilla join-token'"));
    }
    // The same request again, because its answer was lost, is the same holder.
    String holder = ask.node() + " " + Base64.getUrlEncoder().withoutPadding().encodeToString(ask.proof());
    Duration time = Duration.between(now, Instant.ofEpochSecond(ask.expires())).plus(CLOCKS);
    return context.claims().acquire("join-token/" + ask.id(), holder, time, PATIENCE).thenApply(reply -> switch (reply) {
      case ClaimKeeper.Granted _ -> told(ask, answer);
      case ClaimKeeper.Held(var claim, _) -> throw refused(ask, Problem.of(409, "used", "The join token was used",
          "node " + claim.holder().split(" ")[0] + " has used it; make another by 'flotilla join-token'"));
      case ClaimKeeper.Refused(_, var reason) -> throw refused(ask, Problem.of(503, "busy", "Not now", reason));
      case ClaimKeeper.Lost _, ClaimKeeper.Released _ -> throw new IllegalStateException("no answer to Acquire: " + reply);
    });
  }

  private static JoinToken.Ask ask(ObjectNode json) {
    try {
      String id = json.path("id").asText();
      String node = json.path("node").asText();
      byte[] nonce = json.path("nonce").binaryValue();
      byte[] proof = json.path("proof").binaryValue();
      if (json.size() != 5 || !id.matches("[A-Za-z0-9_-]{16}") || EntityKey.problemWithName(node).isPresent() || nonce == null || proof == null
          || !json.path("expires").canConvertToLong()) {
        throw JsonBody.malformed("the body must have the fields id, expires, node, nonce and proof of a node that joins");
      }
      return new JoinToken.Ask(id, json.path("expires").longValue(), node, nonce, proof);
    } catch (IOException e) {
      throw JsonBody.malformed("nonce and proof must be in Base64");
    }
  }

  private HttpResponse told(JoinToken.Ask ask, JoinToken.Answer answer) {
    log.info("Node {} was given the cluster's key for the join token {}", ask.node(), ask.id());
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("nonce", answer.nonce()).put("sealedKey", answer.sealedKey());
    context.joining().seedNodes().forEach(json.putArray("seedNodes")::add);
    return Responses.json(200, json);
  }

  /** Tells the operator, but not of each of many: anybody can ask. */
  private Problem.ProblemException refused(JoinToken.Ask ask, Problem problem) {
    if (refusals.isDue()) {
      log.warn("A node that calls itself {} was not let into the cluster: {}", ask.node(), problem.detail());
    }
    return new Problem.ProblemException(problem);
  }
}
