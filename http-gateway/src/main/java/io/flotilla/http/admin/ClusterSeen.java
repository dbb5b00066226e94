package io.flotilla.http.admin;

import io.flotilla.config.cluster.ClusterStatus;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;

/**
 * The cluster with all nodes that belong to it: those that are in it, as the primary sees them, and those of its registry that are away.
 *
 * @param isWhole whether the primary was asked; if not, there is only the node that answers
 */
record ClusterSeen(ClusterStatus status, Journal.Report journal, boolean isWhole) {
  /** What stands for the status of a node that is no member of the Pekko cluster. */
  static final String AWAY = "away";
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  /** What is known within about two seconds; the stage never fails. */
  static CompletionStage<ClusterSeen> by(AdminContext context) {
    CompletionStage<Journal.Report> journal = context.journal().get().report();
    return context.client().clusterStatus(TIMEOUT)
        .thenCombine(journal, (status, report) -> new ClusterSeen(withThoseAway(status, report.nodes()), report, true))
        .exceptionallyCompose(_ -> journal.thenApply(report -> new ClusterSeen(context.localStatus().get(), report, false)));
  }

  private static ClusterStatus withThoseAway(ClusterStatus status, List<Journal.Node> nodes) {
    Set<String> present = status.members().stream().map(ClusterStatus.Member::name).collect(Collectors.toSet());
    List<ClusterStatus.Member> all = new ArrayList<>(status.members());
    nodes.stream().filter(node -> !present.contains(node.name())).forEach(node -> all.add(new ClusterStatus.Member(
        node.name(), node.address(), node.roles(), AWAY, false, "", 0, 0, "", "unreachable",
        List.of("it is not in the cluster; start it, or if it does not come back: flotilla nodes forget " + node.name()), Map.of())));
    all.sort(Comparator.comparing(ClusterStatus.Member::name));
    return new ClusterStatus(status.version(), status.digest(), status.epoch(), List.copyOf(all), status.history());
  }
}
