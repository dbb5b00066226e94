package io.flotilla.claim;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.Config;
import com.typesafe.config.ConfigFactory;
import io.flotilla.claim.event.Claim;
import io.flotilla.journal.raft.LocalAnswer;
import io.flotilla.journal.raft.QuorumSettings;
import io.flotilla.journal.raft.RaftQuorum;
import io.flotilla.journal.raft.RaftQuorumSetup;
import io.flotilla.journal.raft.RaftSettings;
import io.flotilla.journal.raft.RaftVoter;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.BootstrapSetup;
import org.apache.pekko.actor.setup.ActorSystemSetup;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.testkit.typed.javadsl.TestProbe;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** On the real journal; only the clock is the test's. */
@Timeout(120)
class ClaimKeeperTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final long MINUTE = 60_000;

  @TempDir private Path directory;
  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000); // wraps around during the test
  private ActorTestKit system;
  private ActorRef<ClaimKeeper.Command> keeper;
  private TestProbe<ClaimKeeper.Reply> replies;

  @BeforeEach
  void start() {
    Config config = ConfigFactory.parseMap(Map.of(
        "flotilla.data-directory", directory.toString(), "pekko.actor.allow-java-serialization", "off"));
    system = ActorTestKit.create("claims", config.withFallback(ConfigFactory.load()));
    keeper = system.spawn(ClaimKeeper.create(nanos::get, 1));
    replies = system.createTestProbe();
  }

  @AfterEach
  void stop() {
    system.shutdownTestKit();
  }

  @Test
  void acquire_free_isGranted_andHeldAgainstOthers_untilReleased() {
    Claim claim = granted("upload/1", "node-1");

    assertEquals(new Claim("upload/1", "node-1", 1, MINUTE), claim);
    acquire("upload/1", "node-2");
    assertEquals(new ClaimKeeper.Held(claim, MINUTE), replies.receiveMessage(SOON));
    keeper.tell(new ClaimKeeper.Release("upload/1", claim.number(), replies.ref()));
    assertEquals(new ClaimKeeper.Released("upload/1"), replies.receiveMessage(SOON));
    assertEquals(2, granted("upload/1", "node-2").number());
  }

  @Test
  void acquire_byItsHolder_isTheSameGrantWithNewTime() {
    Claim claim = granted("lock", "alice");
    pass(MINUTE - 1);

    assertEquals(claim, granted("lock", "alice"));
    pass(MINUTE - 1);

    acquire("lock", "bob");
    assertEquals(new ClaimKeeper.Held(claim, 1), replies.receiveMessage(SOON));
  }

  @Test
  void renewedClaim_goesOn_andOneWhoseTimeIsOver_isLost() {
    Claim claim = granted("lock", "alice");
    pass(MINUTE - 1);
    keeper.tell(new ClaimKeeper.Renew("lock", claim.number(), 2 * MINUTE, replies.ref()));
    assertEquals(new ClaimKeeper.Granted(new Claim("lock", "alice", 1, 2 * MINUTE)), replies.receiveMessage(SOON));
    pass(2 * MINUTE);

    keeper.tell(new ClaimKeeper.Renew("lock", claim.number(), MINUTE, replies.ref()));
    assertEquals(new ClaimKeeper.Lost("lock"), replies.receiveMessage(SOON));
    Claim next = granted("lock", "bob");
    assertTrue(next.number() > claim.number());
    keeper.tell(new ClaimKeeper.Release("lock", claim.number(), replies.ref()));
    assertEquals(new ClaimKeeper.Lost("lock"), replies.receiveMessage(SOON), "a former holder must not release it");
    acquire("lock", "alice");
    assertEquals(next, ((ClaimKeeper.Held) replies.receiveMessage(SOON)).claim());
  }

  @Test
  void expiredClaims_areForgotten_withoutAnybodyAsking() {
    granted("a", "x");
    pass(MINUTE);

    TestProbe<ClaimKeeper.Found> found = system.createTestProbe();
    found.awaitAssert(SOON, () -> {
      keeper.tell(new ClaimKeeper.FindClaims("", "", 10, found.ref()));
      assertEquals(List.of(), found.receiveMessage(SOON).claims());
      return null;
    });
  }

  @Test
  void journal_ofClaims_isBounded_andARestartHasTheLast() throws IOException {
    RaftVoter voter = RaftVoter.found(RaftSettings.of(directory.resolve("own"), "127.0.0.1", 0), UUID.randomUUID(), LocalAnswer.NONE);
    try (voter; RaftQuorum quorum = RaftQuorum.of(voter, QuorumSettings.DEFAULTS)) {
      stop();
      start(quorum);
      String key = "k".repeat(500);
      Claim claim = granted(key, "alice");
      for (int i = 0; i < 5_000; i++) {
        keeper.tell(new ClaimKeeper.Renew(key, claim.number(), MINUTE, replies.ref()));
        assertEquals(new ClaimKeeper.Granted(claim), replies.receiveMessage(SOON));
      }

      replies.awaitAssert(SOON, () -> {
        assertTrue(voter.storage(ClaimKeeper.PERSISTENCE_ID.id()).journal().events() < 4_000);
        return null;
      });
      assertEquals(2, voter.storage(ClaimKeeper.PERSISTENCE_ID.id()).journal().snapshots());
      system.shutdownTestKit();
      start(quorum);
      acquire(key, "bob");
      assertEquals(new ClaimKeeper.Held(claim, MINUTE), replies.receiveMessage(SOON));
      system.shutdownTestKit();
    }
  }

  private void start(RaftQuorum quorum) {
    Config config = ConfigFactory.parseString("pekko.actor.allow-java-serialization = off").withFallback(ConfigFactory.load());
    system = ActorTestKit.create(ActorSystem.create(Behaviors.empty(), "claims", ActorSystemSetup.create(
        BootstrapSetup.create(config), new RaftQuorumSetup(quorum))));
    keeper = system.spawn(ClaimKeeper.create(nanos::get, 1));
    replies = system.createTestProbe();
  }

  @Test
  void stop_isObeyed_whileTheKeeperCannotRecover() throws IOException {
    RaftVoter voter = RaftVoter.found(RaftSettings.of(directory.resolve("own"), "127.0.0.1", 0), UUID.randomUUID(), LocalAnswer.NONE);
    RaftQuorum quorum = RaftQuorum.of(voter, QuorumSettings.DEFAULTS);
    stop();
    quorum.close();
    start(quorum);

    keeper.tell(new ClaimKeeper.Stop());

    replies.expectTerminated(keeper, SOON);
    system.shutdownTestKit();
    voter.close();
  }

  @Test
  void restart_keepsClaims_theirNumbers_andStartsTheirTimesAfresh() {
    Claim claim = granted("lock", "alice");
    pass(MINUTE - 1);
    stop();
    start();

    acquire("lock", "bob");
    assertEquals(new ClaimKeeper.Held(claim, MINUTE), replies.receiveMessage(SOON));
    pass(MINUTE);
    assertEquals(2, granted("lock", "bob").number());
  }

  @Test
  void secondKeeper_takesTheFence_andTheFirstCanNeitherGrantNorRenew() {
    Claim claim = granted("lock", "alice");
    ActorRef<ClaimKeeper.Command> second = system.spawn(ClaimKeeper.create(nanos::get, 1));
    second.tell(new ClaimKeeper.Acquire("lock", "bob", MINUTE, replies.ref()));
    assertEquals(claim, ((ClaimKeeper.Held) replies.receiveMessage(SOON)).claim());
    second.tell(new ClaimKeeper.Release("lock", claim.number(), replies.ref()));
    assertEquals(new ClaimKeeper.Released("lock"), replies.receiveMessage(SOON));

    keeper.tell(new ClaimKeeper.Renew("lock", claim.number(), MINUTE, replies.ref()));

    replies.expectNoMessage(Duration.ofMillis(300));
  }

  @Test
  void keeperOfALaterLineage_grantsNumbersAboveThoseThatWereLost() {
    granted("lock", "alice");
    ActorRef<ClaimKeeper.Command> recovered = system.spawn(ClaimKeeper.create(nanos::get, 1_000));

    recovered.tell(new ClaimKeeper.Acquire("one", "bob", MINUTE, replies.ref()));
    assertEquals(new ClaimKeeper.Granted(new Claim("one", "bob", 1_000, MINUTE)), replies.receiveMessage(SOON));
    recovered.tell(new ClaimKeeper.Acquire("two", "bob", MINUTE, replies.ref()));
    assertEquals(new ClaimKeeper.Granted(new Claim("two", "bob", 1_001, MINUTE)), replies.receiveMessage(SOON));
  }

  @Test
  void find_listsByPrefixInOrder_andPages() {
    for (String key : List.of("upload/2", "lock/1", "upload/1", "upload/3", "uploads")) {
      granted(key, "x");
    }
    TestProbe<ClaimKeeper.Found> found = system.createTestProbe();

    keeper.tell(new ClaimKeeper.FindClaims("upload/", "", 2, found.ref()));
    assertEquals(List.of("upload/1", "upload/2"), keys(found.receiveMessage(SOON)));
    keeper.tell(new ClaimKeeper.FindClaims("upload/", "upload/2", 2, found.ref()));
    assertEquals(List.of("upload/3"), keys(found.receiveMessage(SOON)));
  }

  @Test
  void acquire_givesWay_whileThereIsAnotherClaimBeginningSo() {
    Claim ancestor = granted("lock/a//i", "alice");
    acquire("lock/a/b//0", "bob", "", "lock/a/c", "lock/a//i");
    assertEquals(new ClaimKeeper.Held(ancestor, MINUTE), replies.receiveMessage(SOON));
    acquire("lock/a/b//0", "bob", "what bob says", "lock/a//0", "lock/a/b/");
    Claim granted = replies.expectMessageClass(ClaimKeeper.Granted.class, SOON).claim();
    assertEquals("what bob says", granted.detail());
    acquire("lock//i", "carol", "", "lock/");
    assertEquals(ancestor, ((ClaimKeeper.Held) replies.receiveMessage(SOON)).claim());
    acquire("lock/a/b//0", "bob", "", "lock/a/b/"); // its own is no other's
    assertEquals(granted, replies.expectMessageClass(ClaimKeeper.Granted.class, SOON).claim());
    pass(MINUTE);
    acquire("lock//i", "carol", "", "lock/");
    replies.expectMessageClass(ClaimKeeper.Granted.class, SOON);
  }

  @Test
  void detail_outlivesARestart_andARenewal() {
    acquire("lock", "alice", "what alice says");
    Claim claim = replies.expectMessageClass(ClaimKeeper.Granted.class, SOON).claim();
    keeper.tell(new ClaimKeeper.Renew("lock", claim.number(), 2 * MINUTE, replies.ref()));
    assertEquals("what alice says", replies.expectMessageClass(ClaimKeeper.Granted.class, SOON).claim().detail());
    stop();
    start();
    TestProbe<ClaimKeeper.Found> found = system.createTestProbe();
    keeper.tell(new ClaimKeeper.FindClaims("", "", 10, found.ref()));
    assertEquals(List.of(claim.lasting(2 * MINUTE)), found.receiveMessage(SOON).claims());
  }

  @Test
  void find_tellsNoMoreThanFitsIntoAMessage() {
    for (int i = 0; i < 20; i++) {
      acquire("lock/" + (char) ('a' + i), "x", "d".repeat(4096));
      replies.expectMessageClass(ClaimKeeper.Granted.class, SOON);
    }
    TestProbe<ClaimKeeper.Found> answers = system.createTestProbe();
    keeper.tell(new ClaimKeeper.FindClaims("lock/", "", 100, answers.ref()));
    ClaimKeeper.Found first = answers.receiveMessage(SOON);
    assertTrue(first.more() && first.claims().size() < 16);
    keeper.tell(new ClaimKeeper.FindClaims("lock/", first.claims().getLast().key(), 100, answers.ref()));
    ClaimKeeper.Found rest = answers.receiveMessage(SOON);
    assertEquals(20, first.claims().size() + rest.claims().size());
    assertEquals(false, rest.more());
  }

  @Test
  void badRequests_areRefused() {
    acquire("k", "x", "d".repeat(4097));
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    acquire("k", "x", "", "p,".repeat(201).split(","));
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    acquire("k", "x", "", "p".repeat(100_001));
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    acquire("", "x");
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    acquire("k".repeat(1025), "x");
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    keeper.tell(new ClaimKeeper.Acquire("k", "x", 0, replies.ref()));
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
    keeper.tell(new ClaimKeeper.Acquire("k", "x", Long.MAX_VALUE, replies.ref()));
    replies.expectMessageClass(ClaimKeeper.Refused.class, SOON);
  }

  private static List<String> keys(ClaimKeeper.Found found) {
    return found.claims().stream().map(Claim::key).toList();
  }

  private void acquire(String key, String holder) {
    keeper.tell(new ClaimKeeper.Acquire(key, holder, MINUTE, replies.ref()));
  }

  private void acquire(String key, String holder, String detail, String... unless) {
    keeper.tell(new ClaimKeeper.Acquire(key, holder, MINUTE, List.of(unless), detail, replies.ref()));
  }

  private Claim granted(String key, String holder) {
    acquire(key, holder);
    return replies.expectMessageClass(ClaimKeeper.Granted.class, SOON).claim();
  }

  private void pass(long milliseconds) {
    nanos.addAndGet(milliseconds * 1_000_000);
  }
}
