package io.flotilla.golden;

import io.flotilla.claim.ClaimKeeper;
import io.flotilla.claim.event.Claim;
import io.flotilla.claim.event.ClaimEvent;
import io.flotilla.claim.event.ClaimSnapshot;
import io.flotilla.config.cluster.ClusterStatus;
import io.flotilla.config.cluster.ConfigAnnouncement;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.cluster.HistoryStatus;
import io.flotilla.config.cluster.ReplicaReport;
import io.flotilla.config.event.Author;
import io.flotilla.config.event.ChangeLookup;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.ConfigSnapshot;
import io.flotilla.config.event.EntityChange;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorRefResolver;

/** One of each message and stored event with every field filled, and more where a field may be null. Maps have one entry. */
final class MessageExamples {
  static final Author AUTHOR = new Author("alice", "192.0.2.7", "node-2");
  static final String DIGEST = "00112233445566778899aabbccddeeff".repeat(2);
  static final EntityChange UPDATED = new EntityChange("users", "bob", 17, bytes("{\"enabled\":true}"), bytes("{\"enabled\":false}"));
  static final EntityChange CREATED = new EntityChange("users", "carol", 0, null, bytes("{\"home\":{\"path\":\"/c\"}}"));
  static final EntityChange DELETED = new EntityChange("storages", "old", 9, bytes("{\"path\":\"/srv/old\"}"), null);
  static final ConfigChanged CHANGED = new ConfigChanged(42, "change-id-42", Instant.parse("2026-11-24T09:55:31.123456Z"),
      AUTHOR, "why it was made", List.of(UPDATED, CREATED, DELETED), DIGEST);
  static final List<ChangeLookup> LOOKUPS = List.of(new ChangeLookup("change-id-41", 41, 1_795_427_731_123L));
  static final Claim LOCK = new Claim("lock/x/a", "alice", 78, 30_000, "what she says");
  static final Claim CLAIM = new Claim("upload:/in/file.bin", "node-3/session-9", 77, 30_000);
  private static final StoredDocument DOCUMENT = new StoredDocument("users", "bob", 42, bytes("{\"enabled\":false}"));

  private MessageExamples() {}

  static List<Example> all(ActorRefResolver refs) {
    return List.of(
        Example.of(new ConfigPrimary.SubmitChange("change-id", AUTHOR, "a comment", 3, true, true, true, List.of(
            new Operation(Operation.Action.PUT, "users", "bob", bytes("{\"enabled\":false}"), 41),
            new Operation(Operation.Action.PATCH, "users", "carol", bytes("{\"enabled\":true}"), Operation.ANY),
            new Operation(Operation.Action.DELETE, "storages", "old", null, Operation.EXISTS)), asker(refs))),
        Example.of(new ConfigPrimary.SubmitChange("change-id", AUTHOR, "an import", 0, true, false, false, 42, List.of(
            new Operation(Operation.Action.DELETE, "storages", "old", null, 9)), asker(refs)), "import"),
        Example.of(new ConfigPrimary.RollBack("change-id", AUTHOR, "a comment", 30, 42, true, true, asker(refs))),
        Example.of(new ConfigPrimary.AwaitApplied(42, Duration.ofMillis(2_500), asker(refs))),
        Example.of(new ConfigPrimary.FetchChanges(40, 12, asker(refs))),
        Example.of(new ConfigPrimary.FetchSnapshot(42, "users", "bob", asker(refs))),
        Example.of(new ConfigPrimary.FetchHistory(42, 20, asker(refs))),
        Example.of(new ConfigPrimary.FindChange("change-id", asker(refs))),
        Example.of(new ConfigPrimary.GetStatus(asker(refs))),
        Example.of(new ConfigPrimary.Stop()),
        Example.of(new ConfigPrimary.NodePrepared(5, "node-2", "127.0.0.2:20001", List.of("port 2022 is in use"))),
        Example.of(new ConfigPrimary.PartTaken("change-id", 2)),
        Example.of(new ConfigPrimary.Committed("change-id", 42, List.of("users/carol"),
            Map.of("node-2", List.of("port 2022 is in use")))),
        Example.of(new ConfigPrimary.WouldCommit("change-id", 42, Map.of("node-2", List.of("port 2022 is in use")))),
        Example.of(new ConfigPrimary.Unchanged("change-id", 42)),
        Example.of(new ConfigPrimary.Refused("change-id", new Refusal(Refusal.Reason.NOT_PREPARED, "node-2: no",
            List.of(new FieldError("/operations/0/value/port", "is in use")), Map.of("node-2", "no")))),
        Example.of(refused(Refusal.Reason.INVALID), "invalid"),
        Example.of(refused(Refusal.Reason.NOT_FOUND), "not-found"),
        Example.of(refused(Refusal.Reason.STALE), "stale"),
        Example.of(refused(Refusal.Reason.CONFLICT), "conflict"),
        Example.of(new ConfigPrimary.Busy("change-id", "64 changes wait")),
        Example.of(new ConfigPrimary.Applied(42, true,
            Map.of("node-2", new ConfigPrimary.NodeProgress("degraded", 12, List.of("port 2022 is in use"))))),
        Example.of(new ConfigPrimary.Changes(7, List.of(new ConfigPrimary.ChangePart(CHANGED, 3, true)))),
        Example.of(new ConfigPrimary.SnapshotNeeded(7, 42, 0)),
        Example.of(new ConfigPrimary.SnapshotNeeded(7, 42, 39), "lost"),
        Example.of(new ConfigPrimary.SnapshotPart(7, 42, DIGEST, List.of(DOCUMENT), true)),
        Example.of(new ConfigPrimary.SnapshotGone(42)),
        Example.of(new ConfigPrimary.History(42, 30, List.of(CHANGED), List.of(1_000))),
        Example.of(new ConfigPrimary.ChangeFound("change-id", 42, null)),
        Example.of(new ConfigPrimary.ChangeFound("change-id", 0, "node-2: port 2022 is in use"), "refused"),
        Example.of(new ConfigAnnouncement.ConfigCommitted(7, 42, CHANGED)),
        Example.of(new ConfigAnnouncement.ConfigCommitted(7, 42, null), "large"),
        Example.of(new ConfigAnnouncement.HeadAnnounced(7, 42, DIGEST)),
        Example.of(new ConfigAnnouncement.PrepareRequested(7, 42, 5, 1, 2, List.of(UPDATED), asker(refs))),
        Example.of(new ReplicaReport("node-2", "127.0.0.2:20001", 42, DIGEST, true, List.of("port 2022 is in use"), true,
            "0.1.0", 1_795_513_531_000L, Map.of("sftp", 12))),
        Example.of(new ReplicaReport("node-2", "127.0.0.2:20001", 42, DIGEST, true, List.of("port 2022 is in use"), true,
            "0.1.0", 1_795_513_531_000L, Map.of("sftp", 12), "it is drained"), "drain"),
        Example.of(new ClusterStatus(42, DIGEST, 7, List.of(new ClusterStatus.Member("node-2", "127.0.0.2:20001",
            List.of("gateway", "voter"), "up", true, "0.1.0", 1_795_513_531_000L, 41, DIGEST, "degraded",
            List.of("port 2022 is in use"), Map.of("sftp", 12))))),
        Example.of(new ClusterStatus(42, DIGEST, 7, List.of(),
            new HistoryStatus(30, 12, 10_000, 34_567, 16_777_216, 40)), "history"),
        Example.of(CHANGED),
        Example.of(new ConfigChanged(1_000_000_000, "lineage-1000000000", CHANGED.at(), AUTHOR, "recovered alone", List.of(),
            DIGEST, new ConfigChanged.LineageBegun(41, 42), Map.of()), "lineage"),
        Example.of(new ConfigSnapshot(42, DIGEST, List.of(DOCUMENT), List.of(CHANGED))),
        Example.of(new ConfigSnapshot(42, DIGEST, List.of(DOCUMENT), List.of(CHANGED), LOOKUPS), "lookups"),
        Example.of(new ClaimKeeper.Acquire("upload:/in/file.bin", "node-3/session-9", 30_000, asker(refs))),
        Example.of(new ClaimKeeper.Acquire(
            "lock/x/a", "alice", 30_000, List.of("lock/x/", "lock/s/"), "what she says", asker(refs)), "lock"),
        Example.of(new ClaimKeeper.Renew("upload:/in/file.bin", 77, 30_000, asker(refs))),
        Example.of(new ClaimKeeper.Release("upload:/in/file.bin", 77, asker(refs))),
        Example.of(new ClaimKeeper.FindClaims("upload:", "upload:/in/a", 50, asker(refs))),
        Example.of(new ClaimKeeper.Stop()),
        Example.of(new ClaimKeeper.Granted(CLAIM)),
        Example.of(new ClaimKeeper.Held(CLAIM, 12_345)),
        Example.of(new ClaimKeeper.Lost("upload:/in/file.bin")),
        Example.of(new ClaimKeeper.Released("upload:/in/file.bin")),
        Example.of(new ClaimKeeper.Refused("upload:/in/file.bin", "there are too many claims")),
        Example.of(new ClaimKeeper.Found(List.of(CLAIM), List.of(12_345L))),
        Example.of(new ClaimKeeper.Found(List.of(LOCK), List.of(12_345L), true), "more"),
        Example.of(new ClaimEvent.ClaimGranted(CLAIM)),
        Example.of(new ClaimEvent.ClaimGranted(LOCK), "detail"),
        Example.of(new ClaimEvent.ClaimRenewed("upload:/in/file.bin", 77, 30_000)),
        Example.of(new ClaimEvent.ClaimReleased("upload:/in/file.bin", 77)),
        Example.of(new ClaimEvent.ClaimsExpired(List.of(CLAIM))),
        Example.of(new ClaimSnapshot(77, List.of(CLAIM))),
        Example.of(new ClaimSnapshot(77, List.of(CLAIM, LOCK)), "detail"));
  }

  private static ConfigPrimary.Refused refused(Refusal.Reason reason) {
    return new ConfigPrimary.Refused("change-id", new Refusal(reason, "what is wrong", List.of(), Map.of()));
  }

  private static <T> ActorRef<T> asker(ActorRefResolver refs) {
    return refs.resolveActorRef("pekko://golden/user/asker");
  }

  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }
}
