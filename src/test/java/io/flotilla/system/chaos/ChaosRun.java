package io.flotilla.system.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.system.Network;
import io.flotilla.system.TestCluster;
import java.io.IOException;
import java.io.PrintStream;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;

/**
 * Drives a plan against a running cluster: clients change the configuration through all nodes, faults are made and undone,
 * all is healed, and then the cluster has a while to converge by itself. Where the cluster has no network of its own, nodes
 * are frozen instead of cut off.
 */
public final class ChaosRun {
  /** Everything that every node of such a cluster is started with: snapshots are taken often. */
  public static final List<String> NODE_OPTIONS = List.of("--set", "flotilla.primary.snapshot-every=100");
  /** Within this time after the healing all nodes have to agree, even on a busy machine. */
  public static final Duration CONVERGENCE = Duration.ofSeconds(120);
  private static final Duration PEACE = Duration.ofSeconds(2);
  private static final int CLIENTS = 5;
  private static final int PROBER = 0;
  private static final int LOOKUPS = 150;
  private static final int SIGTERM_STATUS = 143;

  private final TestCluster cluster;
  private final ChaosPlan plan;
  private final Duration convergence;
  private final PrintStream out;
  private final Client client;
  private final Recorder recorder;
  private final List<Watcher> watchers = new ArrayList<>();
  private final Set<Integer> down = new HashSet<>();
  private final Set<Integer> frozen = new HashSet<>();
  private final long begun = System.nanoTime();
  private int faults;

  /** What a run came to. */
  public record Result(ChaosPlan plan, int faults, Observations seen, List<Violation> violations) {
    /** All that is known, for a person who looks for the cause. */
    List<Object> everything() {
      List<Object> all = new ArrayList<>(violations);
      all.addAll(plan.steps());
      seen.changes().stream().sorted((one, other) -> Long.compare(one.sent(), other.sent())).forEach(all::add);
      seen.history().stream().sorted((one, other) -> Long.compare(one.version(), other.version())).forEach(all::add);
      seen.sightings().stream().sorted((one, other) -> Long.compare(one.sent(), other.sent())).forEach(all::add);
      all.addAll(seen.finals());
      all.addAll(seen.lookups());
      return all;
    }

    @Override
    public String toString() {
      long acknowledged = seen.changes().stream().filter(change -> change.acknowledgedAt().isPresent()).count();
      long refused = seen.changes().stream().filter(Observations.Change::isRefused).count();
      return String.format("seed %d: %d faults; changes: %d acknowledged, %d refused, %d unknown; "
              + "%d sightings of nodes; %d violations", plan.seed(), faults, acknowledged, refused,
          seen.changes().size() - acknowledged - refused, seen.sightings().size(), violations.size());
    }
  }

  private ChaosRun(TestCluster cluster, ChaosPlan plan, Duration convergence, PrintStream out) {
    this.cluster = cluster;
    this.plan = plan;
    this.convergence = convergence;
    this.out = out;
    this.client = new Client(cluster);
    this.recorder = new Recorder(cluster.size());
    for (int k = 1; k <= cluster.size(); k++) {
      watchers.add(new Watcher(k, client, recorder));
    }
  }

  /** Runs the plan; the cluster is left running, healed. Prints what it does. */
  public static Result run(TestCluster cluster, ChaosPlan plan, Duration convergence, PrintStream out)
      throws IOException, InterruptedException {
    return new ChaosRun(cluster, plan, convergence, out).run();
  }

  private Result run() throws IOException, InterruptedException {
    say("seed %d, %d nodes, %d s%s", plan.seed(), plan.nodes(), plan.duration().toSeconds(), cluster.network().isPresent() ? ""
        : "; there is no network of its own (that needs root, ip and iptables), so nodes are frozen instead of cut off");
    Random random = new Random(plan.seed());
    List<Thread> clients = new ArrayList<>();
    for (int i = 1; i <= CLIENTS; i++) {
      clients.add(Thread.ofVirtual().start(
          new Workload(i, cluster.size(), client, recorder, new Random(random.nextLong()))));
    }
    List<Thread> watching = watchers.stream().map(watcher -> Thread.ofVirtual().start(watcher)).toList();
    try {
      long end = begun + plan.duration().toNanos();
      for (ChaosPlan.Step step : plan.steps()) {
        if (System.nanoTime() >= end) {
          break;
        }
        perform(step);
      }
      heal();
      join(clients);
      converge();
    } finally {
      join(clients);
      join(watching);
    }
    Observations seen = recorder.observations();
    return new Result(plan, faults, seen, GuaranteeChecker.check(seen));
  }

  private static void join(List<Thread> threads) throws InterruptedException {
    threads.forEach(Thread::interrupt);
    for (Thread thread : threads) {
      thread.join();
    }
  }

  private void perform(ChaosPlan.Step step) throws IOException, InterruptedException {
    say("%s", step);
    for (ChaosPlan.Fault fault : step.faults()) {
      make(fault, switch (fault.target()) {
        case ChaosPlan.Primary any -> primary();
        case ChaosPlan.Node node -> node.number();
      });
    }
    TimeUnit.NANOSECONDS.sleep(step.hold().toNanos());
    heal();
    TimeUnit.NANOSECONDS.sleep(step.rest().toNanos());
  }

  /** The primary as somebody sees it who does not answer late; the first node if nobody does. */
  private int primary() {
    for (int k = 1; k <= cluster.size(); k++) {
      try {
        for (JsonNode member : client.get(k, "/api/v1/cluster").body().path("members")) {
          if (member.path("isPrimary").asBoolean()) {
            return Integer.parseInt(member.path("name").asText().substring("node-".length()));
          }
        }
      } catch (IOException e) {
        // The next one may know.
      }
    }
    return 1;
  }

  private void make(ChaosPlan.Fault fault, int node) throws IOException, InterruptedException {
    if (down.contains(node) || frozen.contains(node)) {
      return;
    }
    faults++;
    switch (fault) {
      case ChaosPlan.Kill kill -> {
        if (isExpectedToLive(node)) {
          down.add(node);
          cluster.node(node).kill();
        }
      }
      case ChaosPlan.Stop stop -> {
        if (isExpectedToLive(node)) {
          down.add(node);
          stop(node);
        }
      }
      case ChaosPlan.Freeze freeze -> freeze(node);
      case ChaosPlan.Isolate isolate -> cut(node, network -> network.isolate(node));
      case ChaosPlan.Deaf deaf -> cut(node, network -> {
        for (int other : network.others(node)) {
          network.cutOneWay(other, node);
        }
      });
      case ChaosPlan.Mute mute -> cut(node, network -> {
        for (int other : network.others(node)) {
          network.cutOneWay(node, other);
        }
      });
      case ChaosPlan.Quarrel quarrel -> cut(node, network -> network.cut(node, node % cluster.size() + 1));
      case ChaosPlan.Lossy lossy -> cut(node, network -> network.lose(node, lossy.share()));
    }
  }

  private void stop(int node) throws InterruptedException, IOException {
    try {
      int status = cluster.node(node).stop();
      // A JVM that gets SIGTERM before it runs the program has nobody to ask, and ends with the signal's status.
      if (status != 0 && !(status == SIGTERM_STATUS && cluster.node(node).hasSaidNothing())) {
        recorder.accident("node " + node + " was stopped and ended with status " + status);
      }
    } catch (AssertionError stillRuns) {
      recorder.accident("node " + node + " was stopped and did not end: " + stillRuns.getMessage());
      cluster.node(node).kill();
    }
  }

  private interface Cut {
    void make(Network network) throws IOException;
  }

  private void cut(int node, Cut cut) throws IOException, InterruptedException {
    if (cluster.network().isPresent()) {
      cut.make(cluster.network().get());
    } else {
      freeze(node);
    }
  }

  private void freeze(int node) throws IOException, InterruptedException {
    if (isExpectedToLive(node)) {
      frozen.add(node);
      cluster.node(node).freeze();
    }
  }

  private boolean isExpectedToLive(int node) {
    if (cluster.node(node).isAlive()) {
      return true;
    }
    recorder.accident("node " + node + " ended by itself:\n" + cluster.node(node).tail());
    down.add(node);
    return false;
  }

  private void heal() throws IOException, InterruptedException {
    if (cluster.network().isPresent()) {
      cluster.network().get().heal();
    }
    for (int node : frozen) {
      cluster.node(node).thaw();
    }
    frozen.clear();
    for (int k = 1; k <= cluster.size(); k++) {
      if (!down.contains(k)) {
        isExpectedToLive(k);
      }
    }
    for (int node : down) {
      recorder.started(node);
      cluster.startNode(node, List.of());
    }
    down.clear();
  }

  /** Everything is well now: the nodes must agree, and take changes, by themselves. */
  private void converge() throws IOException, InterruptedException {
    long healed = System.nanoTime();
    say("all is healed; waiting for the nodes to agree");
    Workload prober = new Workload(PROBER, cluster.size(), client, recorder, new Random(plan.seed()));
    boolean agreed = awaitAgreement(healed);
    for (int k = 1; k <= cluster.size() && agreed; k++) {
      if (!prober.probe(k)) {
        recorder.accident("node " + k + " took no change, though all nodes said that they are converged");
      }
    }
    agreed = agreed && awaitAgreement(healed);
    if (!agreed) {
      for (int k = 1; k <= cluster.size(); k++) {
        cluster.node(k).logThreads();
      }
      recorder.accident("the nodes did not agree within " + convergence.toSeconds() + " s after the healing: " + states());
    }
    say(agreed ? "all nodes agree after %.1f s" : "the nodes do not agree after %.1f s", (System.nanoTime() - healed) / 1e9);
    for (int k = 1; k <= cluster.size(); k++) {
      recordEnd(k);
    }
  }

  /** Until all nodes say the same, twice, with a moment between for whatever may still come. */
  private boolean awaitAgreement(long since) throws InterruptedException {
    Set<String> former = Set.of();
    while (System.nanoTime() - since < convergence.toNanos()) {
      Set<String> states = states();
      if (states.size() == 1 && states.iterator().next().endsWith(" converged")) {
        if (states.equals(former)) {
          return true;
        }
        former = states;
        TimeUnit.NANOSECONDS.sleep(PEACE.toNanos());
      } else {
        former = Set.of();
        TimeUnit.MILLISECONDS.sleep(200);
      }
    }
    return false;
  }

  /** What the nodes say of themselves and of the others; one text if they agree. */
  private Set<String> states() {
    Set<String> states = new HashSet<>();
    for (int k = 1; k <= cluster.size(); k++) {
      try {
        Optional<Observations.Sighting> own = watchers.get(k - 1).sight();
        JsonNode members = client.get(k, "/api/v1/cluster").body().path("members");
        boolean converged = members.size() == cluster.size();
        for (JsonNode member : members) {
          converged &= member.path("state").asText().equals("converged");
        }
        states.add(own.map(it -> it.version() + " " + it.digest().orElse("")).orElse("node " + k + " has no version")
            + (converged ? " converged" : " sees " + members));
      } catch (IOException e) {
        states.add("node " + k + " does not answer: " + e);
      }
    }
    return states;
  }

  private void recordEnd(int node) {
    try {
      Client.Answer head = client.get(node, "/api/v1/config?limit=1");
      TreeMap<String, String> values = new TreeMap<>();
      String after = "";
      do {
        JsonNode page = client.get(node, "/api/v1/config/users?limit=1000&after=" + after).body();
        for (JsonNode user : page.path("items")) {
          if (user.path("name").asText().startsWith(Workload.PREFIX)) {
            values.put(user.path("name").asText(), user.path("home").path("path").asText());
          }
        }
        after = page.path("next").asText("");
      } while (!after.isEmpty() && !after.equals("null"));
      recorder.end(new Observations.FinalState(
          node, head.body().path("version").asLong(), head.body().path("digest").asText(), values,
          watchers.get(node - 1).readHistory(0)));
      lookUp(node);
    } catch (IOException e) {
      recorder.accident("node " + node + " could not be read at the end: " + e);
    }
  }

  /** The newest changes, because ids of old ones may be forgotten. */
  private void lookUp(int node) throws IOException {
    List<Observations.Change> newest = recorder.observations().changes().stream()
        .sorted((one, other) -> Long.compare(other.sent(), one.sent()))
        .filter(change -> recorder.ids().containsKey(change.key())).limit(LOOKUPS).toList();
    for (Observations.Change change : newest) {
      Client.Answer answer = client.get(node, "/api/v1/config/changes/" + recorder.ids().get(change.key()));
      recorder.lookup(new Observations.Lookup(node, change.key(), answer.body().path("state").asText().equals("committed")
          ? OptionalLong.of(answer.body().path("version").asLong()) : OptionalLong.empty()));
    }
  }

  private void say(String format, Object... arguments) {
    out.printf("%6.1f s  %s%n", (System.nanoTime() - begun) / 1e9, String.format(format, arguments));
  }
}
