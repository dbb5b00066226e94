package io.flotilla.system.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;
import java.util.concurrent.TimeUnit;

/**
 * One client that changes users through all nodes until it is interrupted. Each change leaves a text of its own, and each
 * has an idempotency key of its own, which it keeps when it is repeated through another node. One thread each.
 */
final class Workload implements Runnable {
  static final String PREFIX = "chaos-";
  private static final int REGISTERS = 6;
  private static final int COUNTERS = 2;
  private static final int MAX_ATTEMPTS = 3;

  private final int number;
  private final int nodes;
  private final Client client;
  private final Recorder recorder;
  private final Random random;
  private int made;

  /** A change in the form it is sent. */
  private record Request(String method, String path, Map<String, String> headers, String body, List<Observations.Write> writes) {}

  Workload(int number, int nodes, Client client, Recorder recorder, Random random) {
    this.number = number;
    this.nodes = nodes;
    this.client = client;
    this.recorder = recorder;
    this.random = random;
  }

  @Override
  public void run() {
    try {
      while (!Thread.currentThread().isInterrupted()) {
        boolean well = attempt(anyNode(), next(), MAX_ATTEMPTS);
        TimeUnit.MILLISECONDS.sleep(random.nextInt(well ? 40 : 250));
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Makes one change through a node; true if it was acknowledged. */
  boolean probe(int node) {
    String entity = PREFIX + "probe-" + node;
    String key = key();
    return attempt(node, new Request("PUT", "/api/v1/config/users/" + entity, keyed(key), user(key),
        List.of(new Observations.Put(entity, text(key), OptionalLong.empty()))), 1);
  }

  private int anyNode() {
    return random.nextInt(1, nodes + 1);
  }

  private String key() {
    return PREFIX + number + "-" + made++;
  }

  private static Map<String, String> keyed(String key) {
    return new HashMap<>(Map.of("Idempotency-Key", key));
  }

  private static String text(String key) {
    return "/" + key;
  }

  private static String user(String key) {
    return document(text(key)).toString();
  }

  private static ObjectNode document(String path) {
    ObjectNode user = Client.JSON.createObjectNode();
    user.putObject("home").put("storage", "main").put("path", path);
    return user;
  }

  private Request next() {
    String key = key();
    String register = PREFIX + "register-" + random.nextInt(REGISTERS);
    String users = "/api/v1/config/users/";
    int choice = random.nextInt(100);
    if (choice < 35) {
      return new Request("PUT", users + register, keyed(key), user(key),
          List.of(new Observations.Put(register, text(key), OptionalLong.empty())));
    }
    if (choice < 45) {
      return new Request("PATCH", users + register, keyed(key), user(key),
          List.of(new Observations.Put(register, text(key), OptionalLong.empty())));
    }
    if (choice < 55) {
      return new Request("DELETE", users + register, keyed(key), "", List.of(new Observations.Delete(register)));
    }
    if (choice < 70) {
      return count(key);
    }
    if (choice < 85) {
      return two(key, register);
    }
    if (choice < 90) {
      Map<String, String> headers = keyed(key);
      headers.put("If-Match", "\"1\"");
      return new Request("PUT", users + register, headers, user(key),
          List.of(new Observations.Put(register, text(key), OptionalLong.of(1))));
    }
    if (choice < 95) {
      return new Request("PUT", users + register, keyed(key),
          document(text(key)).put("expiresAt", "never").toString(),
          List.of(new Observations.Put(register, text(key), OptionalLong.empty())));
    }
    return new Request("PUT", users + register + "?dryRun=true", keyed(key), user(key),
        List.of(new Observations.Put(register, text(key), OptionalLong.empty())));
  }

  /** Adds one to a counter, on condition that it is still as this client read it. */
  private Request count(String key) {
    String counter = PREFIX + "counter-" + random.nextInt(COUNTERS);
    Map<String, String> headers = keyed(key);
    long version = 0;
    long count = 0;
    try {
      Client.Answer read = client.get(anyNode(), "/api/v1/config/users/" + counter);
      if (read.status() == 200) {
        String path = read.body().path("home").path("path").asText();
        count = Long.parseLong(path.substring(1, path.indexOf('/', 1)));
        version = Long.parseLong(read.entityTag().replace("\"", ""));
      }
    } catch (IOException e) {
      // Then it is tried as if there were none.
    }
    if (version == 0) {
      headers.put("If-None-Match", "*");
    } else {
      headers.put("If-Match", "\"" + version + "\"");
    }
    String text = "/" + (count + 1) + "/" + key;
    return new Request("PUT", "/api/v1/config/users/" + counter, headers, document(text).toString(),
        List.of(new Observations.Put(counter, text, OptionalLong.of(version))));
  }

  /** One change of two entities: both or neither. */
  private Request two(String key, String register) {
    String other = PREFIX + "pair-" + random.nextInt(REGISTERS);
    ObjectNode change = Client.JSON.createObjectNode().put("comment", key);
    ArrayNode operations = change.putArray("operations");
    for (String name : List.of(register, other)) {
      operations.addObject().put("op", "put").put("kind", "users").put("name", name).set("value", document(text(key)));
    }
    return new Request("POST", "/api/v1/config/changes", keyed(key), change.toString(), List.of(
        new Observations.Put(register, text(key), OptionalLong.empty()),
        new Observations.Put(other, text(key), OptionalLong.empty())));
  }

  private boolean attempt(int firstNode, Request request, int most) {
    String key = request.headers().get("Idempotency-Key");
    Duration patience = Duration.ofSeconds(List.of(1, 3, 5).get(random.nextInt(3)));
    String parameters = (request.path().contains("?") ? "&" : "?") + "timeout=" + patience.toSeconds() + "s"
        + (random.nextInt(4) == 0 ? "&wait=applied" : "");
    List<Observations.Attempt> attempts = new ArrayList<>();
    int node = firstNode;
    while (true) {
      int life = recorder.life(node);
      long sent = System.nanoTime();
      Observations.Outcome outcome;
      try {
        outcome = outcome(key, node, client.send(node, request.method(), request.path() + parameters, request.headers(),
            request.body(), patience.plusSeconds(2)));
      } catch (IOException e) {
        outcome = new Observations.Unknown(e.toString());
      }
      Observations.Attempt attempt = new Observations.Attempt(node, life, sent, System.nanoTime(), outcome);
      attempts.add(attempt);
      recorder.change(new Observations.Change(key, request.writes(), List.copyOf(attempts)));
      switch (outcome) {
        case Observations.Acknowledged acknowledged -> {
          if (acknowledged.visible()) {
            recorder.sighting(new Observations.Sighting(
                node, life, sent, attempt.answered(), acknowledged.version(), java.util.Optional.empty()));
          }
          return true;
        }
        case Observations.Refused refused -> {
          return refused.status() != 503;
        }
        case Observations.Unknown unknown -> {
          if (attempts.size() == most || random.nextInt(3) == 0 || Thread.currentThread().isInterrupted()) {
            return false;
          }
          node = anyNode();
        }
      }
    }
  }

  private Observations.Outcome outcome(String key, int node, Client.Answer answer) {
    JsonNode body = answer.body();
    if (body.path("id").isTextual()) {
      recorder.id(key, body.path("id").asText());
    }
    if (body.path("dryRun").asBoolean()) {
      return new Observations.Refused(answer.status());
    }
    return switch (answer.status()) {
      case 200, 201, 202 -> new Observations.Acknowledged(body.path("version").asLong(),
          body.path("nodes").path("node-" + node).path("state").asText().equals("applied"));
      case 400, 401, 403, 404, 409, 412, 413, 422, 503 -> new Observations.Refused(answer.status());
      default -> new Observations.Unknown(answer.status() + " " + body.path("detail").asText());
    };
  }
}
