package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.config.model.Durations;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.stream.StreamSupport;

/**
 * Restarts the nodes one after another, the primary last, each when all are converged again, no voter is missed, and load balancers have had
 * time to take up the one before. It stops at the first that does not come back, so that at most one node is away. The node that it talks to restarts as well, so an answer that does not come is
 * no failure until the time is over.
 */
final class RollingRestart {
  private static final Duration MOST = Duration.ofDays(1);
  private static final Duration START_PATIENCE = Duration.ofSeconds(10);
  private static final long LOOK_MILLIS = 200;

  private final AdminClient client;
  private final String deadline;
  private final Duration patience;
  private final Duration settle;

  /**
   * @param deadline of each drain
   * @param back how long a node may take after that
   * @param settle how long it is left to serve before the next one goes
   */
  RollingRestart(AdminOptions options, String deadline, String back, String settle) throws IOException {
    this.client = options.client();
    this.deadline = deadline;
    this.patience = duration("--deadline", deadline).plus(duration("--return", back));
    this.settle = duration("--settle", settle);
  }

  private static Duration duration(String option, String text) {
    try {
      return Durations.parse(text, MOST);
    } catch (IllegalArgumentException e) {
      throw new CommandFailedException(option + " " + e.getMessage());
    }
  }

  int run() throws IOException, InterruptedException {
    JsonNode cluster = start();
    List<String> order = order(cluster);
    for (int i = 0; i < order.size(); i++) {
      String node = order.get(i);
      String upSince = member(cluster, node).map(member -> member.path("upSince").asText()).orElse("");
      System.out.println("Restarting " + node + " (" + (i + 1) + " of " + order.size() + ") ...");
      cluster = restart(node, upSince, order.subList(i + 1, order.size()));
      System.out.println(node + " is back, and all are converged.");
    }
    return 0;
  }

  /** The cluster, if a node may go. While the configuration is being changed nodes are behind for moments, so one look is not enough. */
  private JsonNode start() throws IOException, InterruptedException {
    long until = System.nanoTime() + START_PATIENCE.toNanos();
    while (true) {
      JsonNode cluster = client.send("GET", "/api/v1/cluster", Optional.empty()).orFail().body();
      Optional<String> obstacle = obstacle(cluster);
      if (obstacle.isEmpty()) {
        return cluster;
      }
      if (System.nanoTime() - until > 0) {
        throw new CommandFailedException("nothing was restarted: " + obstacle.get());
      }
      TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
    }
  }

  private JsonNode restart(String node, String upSince, List<String> left) throws IOException, InterruptedException {
    client.send("POST", "/api/v1/nodes/" + AdminClient.encode(node) + "/restart?deadline=" + deadline, Optional.empty()).orFail();
    long settling = left.isEmpty() ? 0 : settle.toNanos();
    long until = System.nanoTime() + patience.toNanos() + settling;
    OptionalLong back = OptionalLong.empty();
    String last = "it does not answer";
    while (System.nanoTime() < until) {
      TimeUnit.MILLISECONDS.sleep(LOOK_MILLIS);
      try {
        JsonNode cluster = client.send("GET", "/api/v1/cluster", Optional.empty()).orFail().body();
        boolean isBack = member(cluster, node).map(member -> member.path("upSince").asText())
            .filter(since -> !since.equals(upSince) && !since.equals("null") && !since.isEmpty()).isPresent();
        Optional<String> obstacle = isBack ? obstacle(cluster).or(() -> notReady(node)) : Optional.of(node + " has not restarted yet");
        if (obstacle.isEmpty() && back.isEmpty()) {
          back = OptionalLong.of(System.nanoTime());
        }
        if (obstacle.isEmpty() && System.nanoTime() - back.getAsLong() >= settling) {
          return cluster;
        }
        last = obstacle.orElse(last);
      } catch (IOException | CommandFailedException e) {
        last = e.getMessage();
      }
    }
    throw new CommandFailedException("the restart stops at " + node + ", which has not come back converged within " + patience.toSeconds()
        + " s: " + last + ". Look at its log" + (left.isEmpty() ? "" : "; not restarted: " + String.join(", ", left)) + ".");
  }

  /** Why another node may not go now. */
  private Optional<String> obstacle(JsonNode cluster) {
    List<String> others = new ArrayList<>();
    for (JsonNode member : cluster.path("members")) {
      if (!member.path("state").asText().equals("converged") || !member.path("status").asText().equals("up")) {
        List<String> reasons = new ArrayList<>();
        member.path("reasons").forEach(reason -> reasons.add(reason.asText()));
        others.add(member.path("name").asText() + " is " + member.path("state").asText()
            + (reasons.isEmpty() ? "" : " (" + String.join("; ", reasons) + ")"));
      }
    }
    if (cluster.path("members").isEmpty() || !StreamSupport.stream(cluster.path("members").spliterator(), false)
        .anyMatch(member -> member.path("isPrimary").asBoolean())) {
      others.add("there is no primary");
    }
    for (JsonNode voter : cluster.path("journal").path("voters")) {
      if (!voter.path("reachable").asBoolean()) {
        others.add("the voter " + voter.path("node").asText() + " does not answer");
      }
    }
    return others.isEmpty() ? Optional.empty() : Optional.of(String.join("; ", others));
  }

  private Optional<String> notReady(String node) {
    try {
      JsonNode body = client.send("GET", "/api/v1/nodes/" + AdminClient.encode(node), Optional.empty()).orFail().body();
      return body.path("ready").asBoolean() ? Optional.empty() : Optional.of(node + " is not ready: " + body.path("reasons"));
    } catch (IOException e) {
      return Optional.of(e.getMessage());
    }
  }

  private static List<String> order(JsonNode cluster) {
    List<String> order = new ArrayList<>();
    cluster.path("members").forEach(member -> {
      if (!member.path("isPrimary").asBoolean()) {
        order.add(member.path("name").asText());
      }
    });
    cluster.path("members").forEach(member -> {
      if (member.path("isPrimary").asBoolean()) {
        order.add(member.path("name").asText());
      }
    });
    return order;
  }

  private static Optional<JsonNode> member(JsonNode cluster, String name) {
    return StreamSupport.stream(cluster.path("members").spliterator(), false)
        .filter(member -> member.path("name").asText().equals(name)).findFirst();
  }
}
