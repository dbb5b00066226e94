package io.flotilla.http.dav;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import com.typesafe.config.ConfigFactory;
import io.flotilla.auth.LoginResult;
import io.flotilla.claim.ClaimClient;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.claim.event.Claim;
import io.flotilla.http.files.FaultyStorage;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import org.apache.pekko.actor.testkit.typed.javadsl.ActorTestKit;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.persistence.testkit.PersistenceTestKitPlugin;
import org.apache.pekko.persistence.testkit.PersistenceTestKitSnapshotPlugin;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Element;

/** LOCK, UNLOCK and the If header (RFC 4918, 6, 7, 9.10, 9.11 and 10.4) on two nodes with a real keeper of the claims. */
class LockTest extends DavFixture {
  private static final Duration SOON = Duration.ofSeconds(20);
  private static final LoginResult.Granted ANN = login("ann", json -> { });
  private static final LoginResult.Granted BOB = login("bob", json -> json.putObject("home").put("path", "/users/ann"));
  private static ActorTestKit kit;

  private final AtomicLong nanos = new AtomicLong(Long.MAX_VALUE - 1_000); // wraps around during the test
  private final ClaimClient claims = new ClaimClient();
  private final Locks first = new Locks(nanos::get);
  private final Locks second = new Locks(nanos::get);
  private boolean areNewsLost;
  private WebDav node;
  private WebDav other;
  private boolean atOther;
  private ActorRef<ClaimKeeper.Command> keeper;

  @BeforeAll
  static void startSystem() {
    kit = ActorTestKit.create(ConfigFactory.parseString("""
        flotilla.journal.plugin = "pekko.persistence.testkit.journal"
        flotilla.snapshot-store.plugin = "pekko.persistence.testkit.snapshotstore.pluginid"
        """).withFallback(PersistenceTestKitPlugin.config()).withFallback(PersistenceTestKitSnapshotPlugin.config())
        .withFallback(ConfigFactory.load()));
  }

  @AfterAll
  static void stopSystem() {
    kit.shutdownTestKit();
  }

  @BeforeEach
  void start() {
    keeper = kit.spawn(ClaimKeeper.create(nanos::get, 1));
    claims.attach(kit.system(), keeper);
    node = new WebDav(first, claims, telling(second));
    other = new WebDav(second, claims, telling(first));
    write("users/ann/keep", "x");
  }

  @AfterEach
  void releaseAll() {
    for (List<Claim> some = held(); !some.isEmpty(); some = held()) {
      some.forEach(claim -> claims.release(claim.key(), claim.number(), SOON).toCompletableFuture().join());
    }
  }

  private List<Claim> held() {
    return claims.find(Lock.KEYS, "", 100, SOON).toCompletableFuture().join().claims();
  }

  private LockNews telling(Locks table) {
    return new LockNews() {
      @Override
      public void holds(Lock lock) {
        if (!areNewsLost) {
          table.holds(lock, Duration.ofMillis(lock.milliseconds()));
        }
      }

      @Override
      public void gone(Collection<String> tokens) {
        if (!areNewsLost) {
          table.gone(tokens);
        }
      }
    };
  }

  @Override
  protected UserRequests api() {
    return request -> {
      if (!request.http().method().value().equals("POST")) {
        return (atOther ? other : node).handle(request);
      }
      try { // what writes files in a way of its own
        return CompletableFuture.completedFuture(
            LockCheck.refusal(request, first, FileTarget.beneath(FileTarget.ROOT, request.path()).path()).orElseGet(HttpResponse::create));
      } catch (VfsException e) {
        return CompletableFuture.failedFuture(e);
      }
    };
  }

  private static String info(String scope) {
    return "<D:lockinfo xmlns:D='DAV:'><D:lockscope><D:" + scope + "/></D:lockscope><D:locktype><D:write/></D:locktype>"
        + "<D:owner><D:href>mailto:ann@example.org</D:href></D:owner></D:lockinfo>";
  }

  private HttpResponse lock(String target, String scope, String... headers) {
    return send("LOCK", target, info(scope), headers);
  }

  /** The token of a lock that is granted. */
  private String token(String target, String scope, String... headers) {
    HttpResponse granted = lock(target, scope, headers);
    assertTrue(granted.status().isSuccess(), body(granted));
    String token = header(granted, "Lock-Token");
    assertTrue(token.matches("<urn:uuid:[0-9a-f-]{36}>"), token);
    assertTrue(body(granted).contains(token.substring(1, token.length() - 1)));
    return token;
  }

  private static void assertLocked(String root, HttpResponse response) {
    assertEquals(423, status(response), () -> status(response) + " " + response.entity());
    assertEquals(root, text(first(document(response).getDocumentElement(), "lock-token-submitted"), "href"));
  }

  private void as(LoginResult.Granted user) {
    login = user;
  }

  @Test
  void lockedFile_isWrittenByItsHolderOnly_onEveryNode() {
    write("a", "x");
    String token = token("/files/a", "exclusive");
    for (boolean isElsewhere : new boolean[] {false, true}) {
      atOther = isElsewhere;
      for (LoginResult.Granted user : List.of(ANN, BOB)) {
        as(user);
        assertLocked("/files/a", put("/files/a", "y"));
        assertLocked("/files/a", ask("DELETE", "/files/a"));
        assertLocked("/files/a", ask("MOVE", "/files/a", "Destination", "/files/b"));
        assertLocked("/files/a", ask("COPY", "/files/users/ann/keep", "Destination", "/files/a"));
        assertLocked("/files/a", send("PROPPATCH", "/files/a",
            "<propertyupdate xmlns='DAV:'><set><prop><x/></prop></set></propertyupdate>"));
      }
      as(BOB);
      assertProblem(403, put("/files/a", "y", "If", "(" + token + ")"));
      assertProblem(403, ask("UNLOCK", "/files/a", "Lock-Token", token));
      as(ANN);
      assertEquals(201, status(ask("COPY", "/files/a", "Destination", "/files/copy" + isElsewhere)));
      assertEquals(204, status(put("/files/a", "z", "If", "(" + token + ")")));
      assertEquals("z", read("a"));
    }
    assertEquals(204, status(ask("UNLOCK", "/files/a", "Lock-Token", token)));
    atOther = false;
    assertEquals(204, status(put("/files/a", "y")));
    assertEquals(List.of(), held());
    assertEquals(409, status(ask("UNLOCK", "/files/a", "Lock-Token", token)));
    assertProblem(400, ask("UNLOCK", "/files/a"));
  }

  @Test
  void whoWritesByOtherMethods_mindsLocksToo() {
    assertEquals(200, status(ask("POST", "/files/new")));
    String token = token("/files/", "exclusive", "Depth", "0");
    assertEquals(200, status(ask("POST", "/files/users/ann/keep")));
    assertLocked("/files/", ask("POST", "/files/new"));
    assertEquals(200, status(ask("POST", "/files/new", "If", "</files/> (" + token + ")")));
    as(BOB);
    assertEquals(403, status(ask("POST", "/files/new", "If", "</files/> (" + token + ")")));
    assertEquals(400, status(ask("POST", "/files/new", "If", "(")));
  }

  @Test
  void discovery_tellsTheHolderTheToken_andOthersThatThereIsALock() {
    write("d/a", "x");
    String token = token("/files/d", "exclusive", "Timeout", "Second-100");
    for (String target : List.of("/files/d/", "/files/d/a")) {
      as(ANN);
      String own = body(send("PROPFIND", target, "", "Depth", "0"));
      assertTrue(own.contains(token.substring(1, token.length() - 1)) && own.contains("<D:timeout>Second-100</D:timeout>")
          && own.contains("mailto:ann@example.org") && own.contains("<D:lockroot><D:href>/files/d/</D:href></D:lockroot>"), own);
      as(BOB);
      String others = body(send("PROPFIND", target, "", "Depth", "0"));
      assertTrue(others.contains("<D:activelock>") && !others.contains("urn:uuid:"), others);
    }
    assertEquals(3, body(send("PROPFIND", "/files/", "<propfind xmlns='DAV:'><prop><lockdiscovery/></prop></propfind>", "Depth", "1"))
        .split("<D:lockdiscovery", -1).length - 1);
  }

  @Test
  void deepLock_isForAllThatIsInIt_andWhatComes() {
    write("d/a", "x");
    write("b", "x");
    String token = token("/files/d/", "exclusive", "Depth", "infinity");
    assertLocked("/files/d/", put("/files/d/a", "y"));
    assertLocked("/files/d/", put("/files/d/new", "y"));
    assertLocked("/files/d/", ask("MKCOL", "/files/d/sub"));
    assertLocked("/files/d/", ask("MOVE", "/files/b", "Destination", "/files/d/b"));
    assertLocked("/files/d/", ask("MOVE", "/files/d/a", "Destination", "/files/c"));
    assertLocked("/files/d/", ask("COPY", "/files/b", "Destination", "/files/d/b"));
    assertEquals(423, status(lock("/files/d/a", "exclusive")));
    assertEquals(423, status(lock("/files/d/new", "shared")));
    assertFalse(Files.exists(root.resolve("d/new")));
    assertEquals(204, status(put("/files/d/a", "y", "If", "</files/d/> (" + token + ")")));
    assertEquals(204, status(put("/files/d/a", "y", "If", "<http://host/files/d/> (" + token + ")", "Host", "host")));
    assertProblem(412, put("/files/d/a", "y", "If", "</files/b> (" + token + ")"));
    assertProblem(412, put("/files/d/a", "y", "If", "<http://elsewhere/files/d/> (" + token + ")", "Host", "host"));
    assertEquals(201, status(ask("MOVE", "/files/b", "Destination", "/files/d/b", "If", "</files/d/> (" + token + ")")));
    assertEquals(204, status(ask("UNLOCK", "/files/d/b", "Lock-Token", token)));
  }

  @Test
  void shallowLock_isForTheNamesInADirectory_notForTheFiles() {
    write("d/a", "x");
    String token = token("/files/d/", "exclusive", "Depth", "0");
    assertEquals(204, status(put("/files/d/a", "y")));
    assertLocked("/files/d/", put("/files/d/new", "y"));
    assertLocked("/files/d/", ask("DELETE", "/files/d/a"));
    assertLocked("/files/d/", ask("MKCOL", "/files/d/sub"));
    assertLocked("/files/d/", lock("/files/d/new", "exclusive"));
    assertEquals(201, status(put("/files/d/new", "y", "If", "</files/d/> (" + token + ")")));
    token("/files/d/a", "exclusive");
    assertEquals(423, status(lock("/files/d/", "exclusive", "Depth", "0")));
    assertEquals(423, status(lock("/files/", "shared")));
    token("/files/", "shared", "Depth", "0");
  }

  @Test
  void lockedMember_holdsItsDirectory_andGoesWithIt() {
    write("d/sub/a", "x");
    String token = token("/files/d/sub/a", "exclusive");
    assertEquals(423, status(ask("DELETE", "/files/d")));
    assertEquals(423, status(ask("MOVE", "/files/d", "Destination", "/files/e")));
    assertEquals(423, status(ask("COPY", "/files/users", "Destination", "/files/d")));
    assertEquals("x", read("d/sub/a"));
    assertEquals(201, status(ask("COPY", "/files/d", "Destination", "/files/copy")));
    assertEquals(204, status(put("/files/copy/sub/a", "y")));
    assertEquals(201, status(ask("MOVE", "/files/d", "Destination", "/files/e", "If", "</files/d/sub/a> (" + token + ")")));
    await().atMost(SOON).until(() -> held().isEmpty());
    assertTrue(first.isEmpty() && second.isEmpty());
    assertEquals(204, status(put("/files/e/sub/a", "y")));
  }

  @Test
  void sharedLocks_areBesideEachOther_andOneTokenIsEnough() {
    write("a", "x");
    String anns = token("/files/a", "shared");
    as(BOB);
    String bobs = token("/files/a", "shared");
    assertEquals(423, status(lock("/files/a", "exclusive")));
    assertEquals(423, status(put("/files/a", "y")));
    assertEquals(204, status(put("/files/a", "y", "If", "(" + bobs + ")")));
    assertProblem(403, put("/files/a", "y", "If", "(" + anns + ")"));
    as(ANN);
    assertEquals(204, status(put("/files/a", "y", "If", "(" + anns + ")")));
  }

  @Test
  void whatIsNotThereYet_becomesAnEmptyFile() {
    HttpResponse made = lock("/files/new", "exclusive");
    assertEquals(201, status(made));
    assertEquals("", read("new"));
    assertLocked("/files/new", put("/files/new", "y"));
    assertEquals(204, status(put("/files/new", "y", "If", "(" + header(made, "Lock-Token") + ")")));
    assertProblem(409, lock("/files/none/new", "exclusive"));
    assertProblem(409, lock("/files/dir/", "exclusive"));
    storage = new FaultyStorage(Map.of("open", VfsError.NO_SPACE));
    assertProblem(507, lock("/files/full", "exclusive"));
    await().atMost(SOON).until(() -> held().size() == 1);
  }

  @Test
  void refresh_givesNewTime_andARunOutLockIsNone() {
    write("a", "x");
    String token = token("/files/a", "exclusive", "Timeout", "Second-10");
    pass(Duration.ofSeconds(9));
    HttpResponse refreshed = ask("LOCK", "/files/a", "If", "(" + token + ")", "Timeout", "Second-20");
    assertEquals(200, status(refreshed));
    assertEquals(null, header(refreshed, "Lock-Token"));
    assertTrue(body(refreshed).contains("<D:timeout>Second-20</D:timeout>"), body(refreshed));
    pass(Duration.ofSeconds(19));
    atOther = true;
    assertLocked("/files/a", put("/files/a", "y"));
    pass(Duration.ofSeconds(2));
    assertEquals(204, status(put("/files/a", "y")));
    assertProblem(412, put("/files/a", "y", "If", "(" + token + ")"));
    assertProblem(412, ask("LOCK", "/files/a", "If", "(" + token + ")"));
    assertProblem(400, ask("LOCK", "/files/a"));
    token("/files/a", "exclusive");
  }

  @Test
  void condition_ofTagsTokensAndTheirOpposites() {
    put("/files/a", "x");
    String tag = header(ask("HEAD", "/files/a"), "ETag");
    String token = token("/files/a", "exclusive");
    assertEquals(204, status(put("/files/a", "x", "If", "(" + token + " [" + tag + "])")));
    tag = header(ask("HEAD", "/files/a"), "ETag");
    assertProblem(412, put("/files/a", "x", "If", "(" + token + " [\"other\"])"));
    assertEquals(204, status(put("/files/a", "x", "If", "(" + token + " [\"other\"]) (Not <DAV:no-lock> " + token + ")")));
    assertProblem(412, put("/files/a", "x", "If", "(Not " + token + ") (<DAV:no-lock>)"));
    assertLocked("/files/a", put("/files/a", "x", "If", "(Not <DAV:no-lock>)"));
    assertLocked("/files/a", put("/files/a", "x", "If", "(<urn:uuid:00000000-0000-0000-0000-000000000000>) (Not <DAV:no-lock>)"));
    assertProblem(412, ask("GET", "/files/a", "If", "([\"other\"])"));
    assertEquals(200, status(ask("GET", "/files/a", "If", "(Not [\"other\"])")));
    for (String junk : List.of("", "(", ")", "()", "(<>)", "<a>", "(Not)", "(NotNot <a>)", "([)", "([x])", "([\"x)", "(<a>", "(<a>) x",
        "<a> (<b>) <c>", "(<a>) <b> (<c>)", "(<a b>)", "(".repeat(4000), "(<a>)" + "\u0001")) {
      assertProblem(400, put("/files/a", "x", "If", junk));
    }
    assertEquals("x", read("a"));
  }

  @Test
  void twoUsers_whoSeeOneFolderUnderDifferentPaths_excludeEachOther() throws Exception {
    LoginResult.Granted eve = login("eve", json -> mount(json, "/team"));
    LoginResult.Granted max = login("max", json -> mount(json, "/team/all"));
    write("team/a", "x");
    write("team/all/a", "x");
    as(eve);
    String token = token("/files/team/a", "exclusive");
    as(max);
    assertLocked("/files/team/all/a", put("/files/team/all/a", "y"));
    assertEquals(423, status(lock("/files/team/all/", "exclusive")));
    token("/files/team/a", "exclusive"); // which is in the home of this one
    as(eve);
    assertEquals(204, status(put("/files/team/a", "y", "If", "(" + token + ")")));
  }

  private static void mount(ObjectNode json, String at) {
    json.putArray("folders").addObject().put("folder", "shared").put("at", at);
  }

  @Test
  void keeper_decides_whatNewsWereLostOf() {
    write("d/a", "x");
    areNewsLost = true;
    token("/files/d/a", "shared");
    atOther = true;
    assertEquals(423, status(lock("/files/d/", "exclusive")));
    assertFalse(second.isEmpty()); // it has been told of the one in its way
    assertEquals(423, status(lock("/files/d/a", "exclusive", "Depth", "0")));
    token("/files/d/", "shared");
  }

  @Test
  void withoutAKeeper_noLockIsGranted_andThoseThereAreGoOn() {
    write("a", "x");
    String token = token("/files/a", "exclusive");
    claims.detach();
    assertProblem(503, lock("/files/b", "exclusive"));
    assertFalse(Files.exists(root.resolve("b")));
    assertProblem(503, ask("LOCK", "/files/a", "If", "(" + token + ")"));
    assertProblem(503, ask("UNLOCK", "/files/a", "Lock-Token", token));
    assertLocked("/files/a", put("/files/a", "y"));
    assertEquals(204, status(put("/files/a", "y", "If", "(" + token + ")")));
    claims.attach(kit.system(), kit.spawn(ClaimKeeper.create(nanos::get, 1)));
  }

  @Test
  void aGrantThatIsNotHeardOf_isReleasedByWhicheverNodeSeesIt() {
    write("a", "x");
    claims.attach(kit.system(), kit.spawn(Behaviors.receiveMessage((ClaimKeeper.Command command) -> {
      ClaimKeeper.Acquire asked = (ClaimKeeper.Acquire) command;
      keeper.tell(new ClaimKeeper.Acquire(asked.key(), asked.holder(), asked.milliseconds(), asked.unless(), asked.detail(),
          kit.system().<ClaimKeeper.Reply>ignoreRef()));
      return Behaviors.same();
    })));
    assertProblem(503, lock("/files/a", "exclusive"));
    claims.attach(kit.system(), keeper);
    Claim granted = held().getFirst();
    Map<Claim, Long> read = Map.of(granted, 600_000L);
    assertEquals(List.of(granted), second.read(second.now(), read)); // the first may have died
    assertEquals(List.of(granted), first.read(first.now(), read));
    assertTrue(first.isEmpty() && second.isEmpty());
  }

  @Test
  void ofManyLocks_someAreTold_ownOnesFirst() {
    write("d/a", "x");
    write("d/b", "x");
    String long2000 = "<D:owner>" + "x".repeat(2000) + "</D:owner>";
    for (int i = 0; i < 60; i++) {
      assertEquals(200, status(send("LOCK", "/files/d/", info("shared").replaceAll("<D:owner>.*</D:owner>", long2000))));
    }
    as(BOB);
    String own = token("/files/d/", "shared");
    HttpResponse answer = ask("PROPFIND", "/files/d/", "Depth", "1");
    List<Element> told = elements(document(answer).getElementsByTagNameNS("DAV:", "lockdiscovery"));
    assertEquals(3, told.size());
    for (Element discovery : told) {
      assertEquals(LockProperties.MAX_TOLD, discovery.getElementsByTagNameNS("DAV:", "activelock").getLength());
      assertEquals("<" + first(discovery, "locktoken").getTextContent() + ">", own);
    }
    int length = body(answer).length();
    assertTrue(length < LockProperties.MAX_OWNERS_LENGTH + 3 * LockProperties.MAX_TOLD * 500 + 5000, length + " characters");
    assertTrue(length > LockProperties.MAX_OWNERS_LENGTH / 2, length + " characters");
  }

  @Test
  void whoMayNotWrite_mayNotLock() {
    write("in/old", "x");
    as(login("eve", json -> json.putObject("permissions").putArray("/").add("list").add("download")));
    assertProblem(403, lock("/files/in/old", "exclusive"));
    assertProblem(403, lock("/files/in/", "shared"));
    assertProblem(403, lock("/files/in/new", "exclusive"));
    as(login("eve", json -> json.putObject("permissions").putArray("/").add("list").add("upload")));
    assertProblem(403, lock("/files/in/old", "exclusive"));
    assertEquals(201, status(lock("/files/in/new", "exclusive")));
  }

  @Test
  void requests_areBounded() {
    write("a", "x");
    String owner = "<D:owner>" + "x".repeat(3000) + "</D:owner>";
    assertProblem(413, send("LOCK", "/files/a", info("shared").replaceAll("<D:owner>.*</D:owner>", owner)));
    assertProblem(400, lock("/files/a", "exclusive", "Depth", "1"));
    assertProblem(400, lock("/files/a", "private"));
    assertProblem(400, send("LOCK", "/files/a", "<!DOCTYPE x []>" + info("shared")));
    for (int i = 0; i < Locks.MAX_OF_USER; i++) {
      token("/files/a", "shared");
    }
    assertProblem(507, lock("/files/a", "shared"));
    as(BOB);
    token("/files/a", "shared");
    String deep = "d/".repeat(80);
    write(deep + "a", "x");
    assertProblem(507, lock("/files/" + deep + "a", "exclusive"));
  }

  @Test
  void timeouts_areWhatIsUnderstood() {
    assertEquals(Duration.ofMinutes(10), LockTimeout.of(Optional.empty()));
    assertEquals(Duration.ofHours(1), LockTimeout.of(Optional.of("Infinite, Second-4100000000")));
    assertEquals(Duration.ofHours(1), LockTimeout.of(Optional.of("Second-4100000000")));
    assertEquals(Duration.ofSeconds(7), LockTimeout.of(Optional.of("Extend, second-7")));
    assertEquals(Duration.ofSeconds(1), LockTimeout.of(Optional.of("Second-0")));
    assertEquals(Duration.ofMinutes(10), LockTimeout.of(Optional.of("Second--1,Second-9999999999999999999")));
  }

  @Test
  void aLock_isReadFromItsClaim() {
    write("d/a", "x");
    token("/files/d/a", "shared", "Depth", "0");
    Claim claim = held().getFirst();
    Lock lock = Lock.of(claim).orElseThrow();
    assertEquals(claim, lock.toClaim());
    assertFalse(lock.isExclusive() || lock.isDeep());
    assertNotEquals("", lock.owner());
    assertTrue(claim.key().length() <= ClaimKeeper.MAX_KEY_LENGTH);
    assertEquals(Optional.empty(), Lock.of(new Claim("lock/x/a//9/b", "ann", 1, 1, "owner:")));
  }

  private void pass(Duration time) {
    nanos.addAndGet(time.toNanos());
  }
}
