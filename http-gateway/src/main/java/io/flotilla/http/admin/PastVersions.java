package io.flotilla.http.admin;

import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.http.Problem;
import java.lang.ref.SoftReference;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Semaphore;

/**
 * Earlier versions of the configuration: what this node holds, with the changes since undone. The primary only hands out
 * the changes it keeps, in the parts in which replicas fetch them. Holds one change per changed entity while it gathers,
 * for a few requests at a time. Safe for use by several threads.
 */
final class PastVersions {
  private static final int MAX_AT_ONCE = 4;
  private static final Duration PART_TIMEOUT = Duration.ofSeconds(5);

  private final ConfigClient client;
  private final EntityCodec codec;
  private final Semaphore running = new Semaphore(MAX_AT_ONCE);
  /** The one found last, for the next page of it: what a version holds never changes. Given up when memory is short. */
  private volatile SoftReference<ClusterConfig> last = new SoftReference<>(null);

  PastVersions(ConfigClient client, EntityCodec codec) {
    this.client = client;
    this.codec = codec;
  }

  /** Fails with a problem: 404 if the version is not kept or not here yet, 503 without a primary. */
  CompletionStage<ClusterConfig> at(ClusterConfig present, long version) {
    if (version == present.version()) {
      return CompletableFuture.completedFuture(present);
    }
    if (version > present.version()) {
      return failed(Problem.notFound("this node is at version " + present.version() + ", and " + version
          + " has not arrived; wait for it by minVersion=" + version));
    }
    if (client.isIsolated()) {
      return failed(Problem.of(503, "no-primary", "History cannot be read now",
          "this node hears no primary, which keeps the history; try again, or ask another node"));
    }
    ClusterConfig known = last.get();
    if (known != null && known.version() == version) {
      return CompletableFuture.completedFuture(known);
    }
    if (!running.tryAcquire()) {
      return failed(Problem.of(503, "busy", "Not now",
          "this node looks up " + MAX_AT_ONCE + " earlier versions already; try again shortly"));
    }
    CompletableFuture<ClusterConfig> found = new CompletableFuture<>();
    gather(new Gathering(present, version, new LinkedHashMap<>(), found), version, 0);
    return found.whenComplete((config, failure) -> {
      running.release();
      if (failure == null) {
        last = new SoftReference<>(config);
      }
    });
  }

  /** @param first the first change of each entity after the wanted version, which tells what it was then */
  private record Gathering(ClusterConfig present, long wanted, Map<EntityKey, EntityChange> first,
      CompletableFuture<ClusterConfig> found) {}

  private void gather(Gathering to, long since, int fromEntity) {
    client.changes(since, fromEntity, PART_TIMEOUT).whenComplete((reply, failure) -> {
      try {
        if (failure != null) {
          to.found().completeExceptionally(failure);
        } else {
          take(to, since, fromEntity, reply);
        }
      } catch (RuntimeException e) {
        to.found().completeExceptionally(e);
      }
    });
  }

  private void take(Gathering to, long since, int fromEntity, ConfigPrimary.ChangesReply reply) {
    switch (reply) {
      case ConfigPrimary.SnapshotNeeded gone -> tellKept(to);
      case ConfigPrimary.Changes changes -> {
        long reached = since;
        int entity = fromEntity;
        for (ConfigPrimary.ChangePart part : changes.parts()) {
          if (part.change().version() <= to.present().version()) {
            part.change().changes().forEach(change ->
                to.first().putIfAbsent(new EntityKey(change.kind(), change.name()), change));
            reached = part.last() ? part.change().version() : part.change().previous();
            entity = part.last() ? 0 : part.fromEntity() + part.change().changes().size();
          }
        }
        if (reached == to.present().version()) {
          to.found().complete(to.present().before(to.wanted(), to.first().values(), codec));
        } else if (changes.parts().isEmpty()) {
          throw new Problem.ProblemException(Problem.of(503, "busy", "Not now",
              "the primary has just changed and is behind this node; try again shortly"));
        } else {
          gather(to, reached, entity);
        }
      }
    }
  }

  private void tellKept(Gathering to) {
    client.history(Long.MAX_VALUE, 1, PART_TIMEOUT).whenComplete((history, failure) ->
        to.found().completeExceptionally(failure != null ? failure : new Problem.ProblemException(Problem.notFound(
            "version " + to.wanted() + " is not kept; versions " + history.oldestVersion() + " to "
                + history.headVersion() + " are"))));
  }

  private static CompletionStage<ClusterConfig> failed(Problem problem) {
    return CompletableFuture.failedFuture(new CompletionException(new Problem.ProblemException(problem)));
  }
}
