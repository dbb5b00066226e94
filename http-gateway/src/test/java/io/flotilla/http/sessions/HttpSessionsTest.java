package io.flotilla.http.sessions;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Two nodes with one configuration, which hear of each other's sessions unless they are apart. */
class HttpSessionsTest {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final Instant START = Instant.parse("2026-11-20T10:00:00Z");

  private final TestConfiguration config = new TestConfiguration();
  private final PasswordHasher hasher = new PasswordHasher();
  private final Map<String, SessionRecord> told = new ConcurrentHashMap<>();
  private final List<TestNode> nodes = new ArrayList<>();
  private boolean areApart;
  private TestNode one;
  private TestNode two;

  /** A process with clocks of its own. */
  private final class TestNode {
    final ActorTestKit kit = ActorTestKit.create();
    final AtomicLong nanos = new AtomicLong();
    final ConcurrentLinkedQueue<ClientEvent> events = new ConcurrentLinkedQueue<>();
    Instant now = START;
    final HttpSessions sessions = new HttpSessions(config::view, new Authenticator(config::view, hasher, Clock.systemUTC()), events::add,
        new Clock() {
          @Override
          public Instant instant() {
            return now;
          }

          @Override
          public ZoneOffset getZone() {
            return ZoneOffset.UTC;
          }

          @Override
          public Clock withZone(java.time.ZoneId zone) {
            return this;
          }
        }, nanos::get, kit.system());

    void pass(Duration time) {
      now = now.plus(time);
      nanos.addAndGet(time.toNanos());
    }

    boolean knows(HttpSessions.Begun session) {
      return sessions.find(session.secret(), session.record().use()).isPresent();
    }
  }

  /** Every node hears what one tells, and a majority can be asked; unless the nodes are apart. */
  private final class Replication implements SessionReplication {
    @Override
    public CompletionStage<Void> publish(SessionRecord record, Reach reach) {
      told.merge(record.id(), record, SessionRecord::merge);
      if (!areApart) {
        nodes.forEach(node -> node.sessions.heard(told.get(record.id())));
      }
      return CompletableFuture.completedFuture(null);
    }

    @Override
    public void publishAll(List<SessionRecord> records) {
      records.forEach(record -> publish(record, Reach.ALL));
    }

    @Override
    public CompletionStage<Optional<SessionRecord>> fetch(String id) {
      return CompletableFuture.completedFuture(areApart ? Optional.empty() : Optional.ofNullable(told.get(id)));
    }
  }

  @BeforeEach
  void start() {
    user(json -> { });
    one = new TestNode();
    two = new TestNode();
    nodes.addAll(List.of(one, two));
    nodes.forEach(node -> node.sessions.attach(new Replication()));
  }

  @AfterEach
  void stop() {
    nodes.forEach(node -> node.kit.shutdownTestKit());
    hasher.close();
  }

  private void user(Consumer<ObjectNode> fields) {
    user("a hash", fields);
  }

  private void user(String hash, Consumer<ObjectNode> fields) {
    config.secret(Kind.USERS, "ann", "passwordHash", hash, fields);
    commit();
  }

  private void commit() {
    ConfigDelta delta = config.commit();
    nodes.forEach(node -> node.sessions.apply(delta, config.view()));
  }

  private void policy(String idleTimeout, String lifetime, boolean replicated) {
    config.put(Kind.POLICIES, "sessions",
        json -> json.put("idleTimeout", idleTimeout).put("lifetime", lifetime).put("replicated", replicated));
    commit();
  }

  private LoginResult.Granted login() {
    User ann = config.view().user("ann").orElseThrow();
    return new LoginResult.Granted(ann, new Credential.Password(ann.passwordHash().orElseThrow()), config.view().access(ann),
        new Origin(Listener.Protocol.HTTP, InetAddress.getLoopbackAddress()));
  }

  private HttpSessions.Begun begin() {
    return one.sessions.begin(login(), SessionRecord.Use.COOKIE).orElseThrow();
  }

  private boolean isLetIn(TestNode node, HttpSessions.Begun session) {
    return node.sessions.login(session.record(), InetAddress.getLoopbackAddress()) instanceof LoginResult.Granted;
  }

  /** A connection that serves a session. */
  private static final class Connection implements Served {
    volatile boolean isServing;
    volatile String ended = "";

    @Override
    public boolean isServing() {
      return isServing;
    }

    @Override
    public void disconnect(String reason) {
      ended = reason;
    }
  }

  @Test
  void session_isKnownToBothNodes_byItsSecretAndUseOnly() {
    HttpSessions.Begun session = begin();
    assertTrue(one.knows(session));
    assertTrue(two.knows(session));
    assertTrue(isLetIn(two, session));
    assertTrue(two.sessions.find(SessionSecret.generate(), SessionRecord.Use.COOKIE).isEmpty());
    assertTrue(two.sessions.find(session.secret(), SessionRecord.Use.TOKEN).isEmpty());
    assertFalse(told.toString().contains(session.secret().text()));
    assertEquals(List.of(session.record().id()), two.sessions.list().stream().map(SessionRecord::id).toList());
  }

  @Test
  void session_thatANodeMissed_isAskedFor() {
    areApart = true;
    HttpSessions.Begun session = begin();
    assertFalse(two.knows(session));
    areApart = false;
    assertTrue(two.knows(session));
  }

  @Test
  void end_isForAllNodes_andForGood() {
    HttpSessions.Begun session = begin();
    Connection onOne = new Connection();
    Connection onTwo = new Connection();
    one.sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow().attach(onOne);
    HttpSessions.Found found = two.sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow();
    found.attach(onTwo);

    assertTrue(two.sessions.end(session.record().id(), "logged out").toCompletableFuture().join());
    assertFalse(one.knows(session));
    assertFalse(two.knows(session));
    assertEquals("the session has ended", onOne.ended);
    assertEquals("logged out", onTwo.ended);
    assertFalse(two.sessions.end(session.record().id(), "again").toCompletableFuture().join());
    assertFalse(two.sessions.end("nothing", "again").toCompletableFuture().join());

    // A use that was told before the end comes after it.
    one.sessions.heard(session.record().used(Long.MAX_VALUE));
    assertFalse(one.knows(session));
    Connection late = new Connection();
    found.attach(late);
    assertEquals("the session has ended", late.ended);
  }

  @Test
  void end_ofASessionThatTheNodeMissed() {
    areApart = true;
    HttpSessions.Begun session = begin();
    areApart = false;
    assertTrue(two.sessions.end(session.record().id(), "an administrator").toCompletableFuture().join());
    assertFalse(one.knows(session));
  }

  @Test
  void end_onOneSideOfAPartition_holdsWhenItHeals() {
    HttpSessions.Begun session = begin();
    areApart = true;
    two.sessions.end(session.record().id(), "logged out");
    two.pass(Duration.ofMinutes(5));
    one.pass(Duration.ofMinutes(5));
    assertTrue(one.knows(session)); // it can't know, and uses it
    areApart = false;
    one.sessions.attach(new Replication());
    assertFalse(one.knows(session));
    assertFalse(two.knows(session));
  }

  @Test
  void idleSession_endsOnEveryNode_atTheSameTime() {
    HttpSessions.Begun session = begin();
    nodes.forEach(node -> node.pass(Duration.ofMinutes(29)));
    assertTrue(two.knows(session)); // which is told to the other
    await().atMost(SOON).until(() -> told.get(session.record().id()).lastUsed() > session.record().lastUsed());
    nodes.forEach(node -> node.pass(Duration.ofMinutes(29)));
    assertTrue(one.knows(session));
    nodes.forEach(node -> node.pass(Duration.ofMinutes(31)));
    assertFalse(one.knows(session));
    assertFalse(two.knows(session));
    assertEquals(List.of(), one.sessions.list());
  }

  @ParameterizedTest
  @ValueSource(longs = {-60, 60})
  void clocksThatDiffer_endNothingEarlier(long seconds) {
    two.now = two.now.plusSeconds(seconds);
    policy("5m", "1h", true);
    HttpSessions.Begun session = begin();
    for (int i = 0; i < 20; i++) {
      assertTrue((i % 2 == 0 ? one : two).knows(session), "after " + i * 2 + " minutes");
      long before = told.get(session.record().id()).lastUsed();
      nodes.forEach(node -> node.pass(Duration.ofMinutes(2)));
      assertTrue((i % 2 == 0 ? two : one).knows(session));
      await().atMost(SOON).until(() -> told.get(session.record().id()).lastUsed() > before || seconds != 0);
    }
  }

  @Test
  void lifetime_endsWhatIsUsed() {
    policy("30m", "1h", true);
    HttpSessions.Begun session = begin();
    Connection serving = new Connection();
    serving.isServing = true;
    one.sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow().attach(serving);
    nodes.forEach(node -> node.pass(Duration.ofMinutes(59)));
    assertTrue(one.knows(session)); // a download takes that long
    nodes.forEach(node -> node.pass(Duration.ofMinutes(2)));
    assertFalse(one.knows(session));
  }

  @Test
  void expiry_endsConnections_andIsTold() {
    policy("1s", "1h", true);
    HttpSessions.Begun session = begin();
    Connection idle = new Connection();
    one.sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow().attach(idle);
    one.pass(Duration.ofSeconds(2));
    await().atMost(SOON).until(() -> !idle.ended.isEmpty());
    assertEquals(2, one.events.size());
    assertTrue(one.events.poll() instanceof ClientEvent.LoginSucceeded);
    assertTrue(one.events.poll() instanceof ClientEvent.LoggedOut);
    assertFalse(one.knows(session));
  }

  @Test
  void aLongDownload_isAUseUntilItsEnd() {
    policy("4s", "1h", true);
    HttpSessions.Begun session = begin();
    Connection serving = new Connection();
    serving.isServing = true;
    one.sessions.find(session.secret(), SessionRecord.Use.COOKIE).orElseThrow().attach(serving);
    for (int i = 0; i < 5; i++) {
      long before = told.get(session.record().id()).lastUsed();
      nodes.forEach(node -> node.pass(Duration.ofMillis(1100)));
      await().atMost(SOON).until(() -> told.get(session.record().id()).lastUsed() > before);
    }
    serving.isServing = false;
    assertTrue(one.knows(session));
    assertTrue(two.knows(session));
  }

  @Test
  void aClockThatIsFarBehind_hidesNoUse() {
    policy("10m", "10h", true);
    two.now = two.now.minus(Duration.ofMinutes(30));
    HttpSessions.Begun session = begin();
    for (int i = 0; i < 10; i++) {
      long before = told.get(session.record().id()).lastUsed();
      nodes.forEach(node -> node.pass(Duration.ofMinutes(2)));
      assertTrue(two.knows(session));
      await().atMost(SOON).until(() -> told.get(session.record().id()).lastUsed() > before);
    }
    assertTrue(one.knows(session));
  }

  @Test
  void whatEnds_whileSessionsAreNoLongerReplicated_endsForThoseWhoKnewIt() {
    HttpSessions.Begun session = begin();
    assertTrue(two.knows(session));
    policy("30m", "1h", false);
    one.sessions.end(session.record().id(), "logged out").toCompletableFuture().join();
    assertFalse(two.knows(session));
  }

  @Test
  void aUserWhoLogsInAgainAndAgain_keepsNobodyElseOut() {
    for (int i = 0; i < HttpSessions.MAX_KNOWN_OF_USER; i++) {
      begin();
    }
    assertTrue(one.sessions.begin(login(), SessionRecord.Use.TOKEN).isEmpty());
    config.secret(Kind.USERS, "bob", "passwordHash", "a hash", json -> { });
    commit();
    User bob = config.view().user("bob").orElseThrow();
    assertTrue(one.sessions.begin(new LoginResult.Granted(bob, login().credential(), config.view().access(bob), login().origin()),
        SessionRecord.Use.TOKEN).isPresent());
    one.pass(Duration.ofHours(13));
    one.sessions.sweep();
    begin();
  }

  @Test
  void passwordChange_endsSessions_andNothingElseDoes() {
    HttpSessions.Begun session = begin();
    user(json -> json.put("home", (String) null).putObject("permissions").putArray("/").add("list"));
    assertTrue(one.knows(session));
    assertTrue(isLetIn(two, session));
    user("another hash", json -> { });
    assertFalse(one.knows(session));
    assertFalse(two.knows(session));
    user("a hash", json -> { });
    assertFalse(one.knows(session)); // it has ended
  }

  @ParameterizedTest
  @ValueSource(strings = {"{\"enabled\":false}", "{\"expiresAt\":\"2026-11-20T09:00:00Z\"}", "{\"protocols\":[\"sftp\"]}",
      "{\"authentication\":[\"public-key\"]}"})
  void userWhoMayNotComeIn_hasNoSession(String change) throws Exception {
    LoginResult.Granted before = login();
    HttpSessions.Begun session = begin();
    ObjectNode fields = (ObjectNode) io.flotilla.config.model.EntityCodec.JSON.readTree(change);
    user(json -> json.setAll(fields));
    assertFalse(two.knows(session));
    assertTrue(one.sessions.begin(before, SessionRecord.Use.TOKEN).isEmpty()); // nor one that was being begun meanwhile
  }

  @Test
  void removedUser_hasNoSession() {
    HttpSessions.Begun session = begin();
    config.remove(Kind.USERS, "ann");
    commit();
    assertFalse(one.knows(session));
  }

  @Test
  void oneSessionMoreThanAUserMayHave_endsTheOneThatIsIdleForLongest() {
    List<HttpSessions.Begun> begun = new ArrayList<>();
    for (int i = 0; i < HttpSessions.MAX_OF_USER; i++) {
      begun.add(begin());
      one.pass(Duration.ofSeconds(1));
    }
    assertTrue(one.knows(begun.getFirst()));
    begun.add(begin());
    assertTrue(one.knows(begun.getFirst()));
    assertFalse(one.knows(begun.get(1)));
    assertTrue(one.knows(begun.getLast()));
    assertEquals(HttpSessions.MAX_OF_USER, one.sessions.count());
  }

  @Test
  void withoutReplication_onlyTheFirstNodeKnows_untilItIsSwitchedOn() {
    policy("30m", "1h", false);
    HttpSessions.Begun session = begin();
    assertFalse(two.knows(session));
    assertFalse(two.sessions.isReplicated());
    policy("30m", "1h", true);
    assertTrue(two.knows(session));
  }

  @Test
  void whatBeganWhileTheNodeWasAlone_isToldLater_andSweptWhenItIsOver() {
    one.sessions.detach();
    HttpSessions.Begun session = begin();
    HttpSessions.Begun ended = begin();
    one.sessions.end(ended.record().id(), "logged out");
    assertFalse(two.knows(session));
    one.sessions.attach(new Replication());
    assertTrue(two.knows(session));
    assertFalse(two.knows(ended));
    nodes.forEach(node -> node.pass(Duration.ofHours(13)));
    one.sessions.sweep();
    two.sessions.heard(session.record());
    two.sessions.sweep();
    assertEquals(0, one.sessions.count());
    assertFalse(two.knows(session));
  }
}
