package io.flotilla.config.cluster;

import io.flotilla.config.model.ClusterConfig;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.apache.pekko.cluster.ClusterEvent.CurrentClusterState;
import org.apache.pekko.cluster.Member;
import org.apache.pekko.cluster.MemberStatus;
import org.apache.pekko.cluster.typed.Cluster;

/**
 * What the primary knows about how far each version has spread, from the replicas' reports and the cluster's membership.
 * Confined to its actor.
 */
final class ConvergenceTracker {
  /** A replica reports at least once a second; after this long without a report it is not answering. */
  private static final long SILENCE_NANOS = 5_000_000_000L;
  private static final int COMMITS_KEPT = 1_024;
  private static final int MAX_WAITERS = 10_000;

  private record Heard(ReplicaReport report, long atNanos) {}

  private record Waiter(ConfigPrimary.AwaitApplied await, long deadlineNanos) {}

  private final Cluster cluster;
  private final Map<String, Heard> reports = new HashMap<>();
  private final List<Waiter> waiters = new ArrayList<>();
  /** When each recent version was committed, and when each node first reported it or a later one. */
  private final TreeMap<Long, Long> commits = new TreeMap<>();
  private final Map<Long, Map<String, Long>> appliedAfter = new HashMap<>();

  ConvergenceTracker(Cluster cluster) {
    this.cluster = cluster;
  }

  void committed(long version, long now) {
    commits.put(version, now);
    appliedAfter.put(version, new HashMap<>());
    if (commits.size() > COMMITS_KEPT) {
      appliedAfter.remove(commits.pollFirstEntry().getKey());
    }
  }

  void report(ReplicaReport report, ClusterConfig config, long now) {
    Heard before = reports.put(report.address(), new Heard(report, now));
    long from = before == null || before.report.version() > report.version() ? 0 : before.report.version();
    commits.subMap(from, false, report.version(), true).forEach((version, committedNanos) ->
        appliedAfter.get(version).putIfAbsent(report.address(), (now - committedNanos) / 1_000_000));
    reports.keySet().retainAll(memberAddresses());
    answer(now);
  }

  void await(ConfigPrimary.AwaitApplied await, long now) {
    Waiter waiter = new Waiter(await, now + await.timeout().toNanos());
    if (waiters.size() >= MAX_WAITERS || isComplete(await.version())) {
      await.replyTo().tell(applied(await.version()));
    } else {
      waiters.add(waiter);
    }
  }

  void tick(long now) {
    answer(now);
  }

  ClusterStatus status(ClusterConfig config, long epoch, long now, HistoryStatus history) {
    CurrentClusterState state = cluster.state();
    List<ClusterStatus.Member> members = StreamSupport.stream(state.getMembers().spliterator(), false)
        .filter(member -> member.status() != MemberStatus.removed())
        .map(member -> member(member, state.getUnreachable().contains(member), config, now))
        .sorted(java.util.Comparator.comparing(ClusterStatus.Member::name))
        .toList();
    return new ClusterStatus(config.version(), config.digest().toString(), epoch, members, history);
  }

  private ClusterStatus.Member member(Member member, boolean unreachable, ClusterConfig config, long now) {
    String address = MemberNames.address(member);
    boolean isPrimary = member.uniqueAddress().equals(cluster.selfMember().uniqueAddress());
    Heard heard = reports.get(address);
    boolean silent = heard == null || now - heard.atNanos > SILENCE_NANOS;
    if (heard == null) {
      return new ClusterStatus.Member(MemberNames.name(member), address, MemberNames.roles(member),
          MemberNames.status(member), isPrimary, "", 0, 0, "", "unreachable",
          List.of("the node has not reported to the primary yet"), Map.of());
    }
    ReplicaReport report = heard.report;
    String condition;
    List<String> reasons = report.problems();
    if (unreachable || silent) {
      condition = "unreachable";
      reasons = List.of("last heard " + (now - heard.atNanos) / 1_000_000_000L + " s ago");
    } else if (report.draining()) {
      condition = "draining";
      reasons = Stream.concat(Stream.ofNullable(report.drain()), reasons.stream()).toList();
    } else if (!report.problems().isEmpty()) {
      condition = "degraded";
    } else if (report.catchingUp() || report.version() != config.version()) {
      condition = "catching-up";
    } else {
      condition = "converged";
    }
    return new ClusterStatus.Member(report.node(), address, MemberNames.roles(member), MemberNames.status(member),
        isPrimary, report.softwareVersion(), report.upSince(), report.version(), report.digest(), condition, reasons,
        report.connections());
  }

  private void answer(long now) {
    waiters.removeIf(waiter -> {
      boolean done = now >= waiter.deadlineNanos || isComplete(waiter.await.version());
      if (done) {
        waiter.await.replyTo().tell(applied(waiter.await.version()));
      }
      return done;
    });
  }

  private boolean isComplete(long version) {
    return reachable().stream().allMatch(member -> {
      Heard heard = reports.get(MemberNames.address(member));
      return heard != null && heard.report.version() >= version;
    });
  }

  private ConfigPrimary.Applied applied(long version) {
    Map<String, Long> times = appliedAfter.getOrDefault(version, Map.of());
    Map<String, ConfigPrimary.NodeProgress> nodes = new LinkedHashMap<>();
    CurrentClusterState state = cluster.state();
    for (Member member : state.getMembers()) {
      String address = MemberNames.address(member);
      Heard heard = reports.get(address);
      ConfigPrimary.NodeProgress progress;
      if (state.getUnreachable().contains(member)) {
        progress = new ConfigPrimary.NodeProgress("unreachable", -1, List.of());
      } else if (heard != null && heard.report.version() >= version) {
        progress = new ConfigPrimary.NodeProgress(
            heard.report.problems().isEmpty() ? "applied" : "degraded",
            times.getOrDefault(address, -1L), heard.report.problems());
      } else {
        progress = new ConfigPrimary.NodeProgress("catching-up", -1, List.of());
      }
      nodes.put(MemberNames.name(member), progress);
    }
    return new ConfigPrimary.Applied(version, isComplete(version), nodes);
  }

  /** The names of the nodes that can be asked now, by address. */
  Map<String, String> reachableNodes() {
    return reachable().stream().collect(Collectors.toMap(MemberNames::address, MemberNames::name, (one, other) -> one));
  }

  private List<Member> reachable() {
    CurrentClusterState state = cluster.state();
    return StreamSupport.stream(state.getMembers().spliterator(), false)
        .filter(member -> member.status() == MemberStatus.up() && !state.getUnreachable().contains(member))
        .toList();
  }

  private Set<String> memberAddresses() {
    return StreamSupport.stream(cluster.state().getMembers().spliterator(), false)
        .map(MemberNames::address).collect(Collectors.toSet());
  }
}
