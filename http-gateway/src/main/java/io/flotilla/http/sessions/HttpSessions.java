package io.flotilla.http.sessions;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.ClientEventSink;
import io.flotilla.auth.Authenticator;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.LoginMethod;
import io.flotilla.config.model.Policy;
import io.flotilla.config.model.Secret;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.log.LogThrottle;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.function.LongSupplier;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.actor.typed.Props;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The HTTP sessions as this node knows them: those that began here, and those that other nodes told of, so that any node can go on with
 * any session. A session that has ended is remembered until it would have ended in any case, because a record that says otherwise may
 * still be on its way. One per process, safe for all threads; blocks only where that is said.
 */
public final class HttpSessions implements ConfigListener {
  private static final Logger log = LoggerFactory.getLogger(HttpSessions.class);
  /** Of one user; one more ends the one that was unused for longest. */
  static final int MAX_OF_USER = 100;
  /** Of one user, ended ones included: these are kept as long as they could have lived. */
  static final int MAX_KNOWN_OF_USER = 2_000;
  /** That this node knows, ended ones included. */
  private static final int MAX_KNOWN = 200_000;
  private static final int FINGERPRINT_BYTES = 16;
  private static final Duration LEAST_INTERVAL = Duration.ofSeconds(1);
  private static final Duration MOST_INTERVAL = Duration.ofMinutes(1);
  /** Of questions to other nodes at a time, which whoever invents ids can ask. */
  private static final int MAX_QUESTIONS = 32;

  private final Supplier<ConfigView> view;
  private final Authenticator authenticator;
  private final ClientEventSink events;
  private final Clock clock;
  private final LongSupplier nanoTime;
  private final ActorRef<SessionKeeper.Command> keeper;
  private final Map<String, KnownSession> known = new ConcurrentHashMap<>();
  private final Map<String, Set<KnownSession>> ofUsers = new ConcurrentHashMap<>();
  private final LogThrottle refusals = new LogThrottle();
  private final Semaphore questions = new Semaphore(MAX_QUESTIONS);
  private volatile SessionReplication replication = SessionReplication.NONE;
  private boolean wasReplicated = true;

  /** @param system in which the sessions' actors run; it never joins a cluster */
  public HttpSessions(Supplier<ConfigView> view, Authenticator authenticator, ClientEventSink events, Clock clock, ActorSystem<?> system) {
    this(view, authenticator, events, clock, System::nanoTime, system);
  }

  /** @param nanoTime a monotonic clock */
  HttpSessions(Supplier<ConfigView> view, Authenticator authenticator, ClientEventSink events, Clock clock, LongSupplier nanoTime,
      ActorSystem<?> system) {
    this.nanoTime = nanoTime;
    this.view = view;
    this.authenticator = authenticator;
    this.events = events;
    this.clock = clock;
    this.keeper = system.systemActorOf(SessionKeeper.create(this), "http-sessions", Props.empty());
  }

  /**
   * A new session.
   *
   * @param told completes when as many nodes know it as should before the client hears of it, after a second at the latest
   */
  public record Begun(SessionSecret secret, SessionRecord record, CompletionStage<Void> told) {}

  /** A session that a request belongs to. */
  public final class Found {
    private final KnownSession session;

    private Found(KnownSession session) {
      this.session = session;
    }

    public SessionRecord record() {
      return session.record();
    }

    /** A connection serves it from now on; ends the connection if the session has ended. */
    public void attach(Served connection) {
      session.attach(connection);
    }

    public void detach(Served connection) {
      session.detach(connection);
    }
  }

  /** Gives a user who has logged in a session; nothing if the user or the cluster has too many, or the login no longer counts. */
  public Optional<Begun> begin(LoginResult.Granted login, SessionRecord.Use use) {
    String user = login.user().name();
    boolean isFull = known.size() >= MAX_KNOWN;
    if (isFull || of(user).size() >= MAX_KNOWN_OF_USER) {
      if (refusals.isDue()) {
        log.error("User {} gets no session: {} {} are known, ended ones included; shorten their lifetime (policies/sessions), or have the user "
            + "log in less often", user, isFull ? MAX_KNOWN : MAX_KNOWN_OF_USER, isFull ? "of all users" : "of this user");
      }
      return Optional.empty();
    }
    makeRoom(user);
    Policy.Sessions policy = policy();
    SessionSecret secret = SessionSecret.generate();
    long now = now();
    String address = login.origin().address().getHostAddress();
    SessionRecord record = new SessionRecord(secret.id(), user, fingerprint(login.user()), use, view.get().node().name(), address, now,
        now + policy.lifetime().toMillis(), now, false);
    KnownSession session = new KnownSession(record, 0, nanoTime);
    enter(session);
    // A change that came after the check found no session to end yet.
    Optional<String> revoked = revoked(record, view.get(), clock.instant());
    if (revoked.isPresent()) {
      forget(session);
      log.info("User {} gets no session: {}", user, revoked.get());
      return Optional.empty();
    }
    adopt(session);
    events.accept(new ClientEvent.LoginSucceeded(clock.instant(), user, Listener.Protocol.HTTP.id(), address, login.credential().method()));
    return Optional.of(new Begun(secret, record, publish(record, SessionReplication.Reach.MAJORITY)));
  }

  /** So that nobody who logs in for each request, and never out, fills the memory. */
  private void makeRoom(String user) {
    List<KnownSession> others = of(user).stream().filter(this::isAlive).toList();
    if (others.size() >= MAX_OF_USER) {
      others.stream().max(Comparator.comparing(KnownSession::unusedFor))
          .ifPresent(oldest -> end(oldest, "the user has " + MAX_OF_USER + " newer sessions"));
    }
  }

  /**
   * The session of a secret, if it is alive; it counts as used. Blocks for two seconds at most if this node does not know it, since
   * another may.
   */
  public Optional<Found> find(SessionSecret secret, SessionRecord.Use use) {
    KnownSession session = known.get(secret.id());
    if (session == null) {
      fetch(secret.id()).toCompletableFuture().join().ifPresent(this::heard);
      session = known.get(secret.id());
    }
    if (session == null || session.record().use() != use || !isAlive(session)) {
      return Optional.empty();
    }
    session.use();
    if (session.isUntold(useInterval())) {
      session.tell(new HttpSession.Used());
    }
    adopt(session);
    return Optional.of(new Found(session));
  }

  private CompletionStage<Optional<SessionRecord>> fetch(String id) {
    if (!policy().replicated() || !questions.tryAcquire()) {
      return CompletableFuture.completedFuture(Optional.empty());
    }
    return replication.fetch(id).whenComplete((_, _) -> questions.release());
  }

  private void adopt(KnownSession session) {
    if (session.adopt()) {
      keeper.tell(new SessionKeeper.Keep(session));
    }
  }

  /** What a session lets in now: as the login by which it began would, if that still counts. */
  public LoginResult login(SessionRecord session, InetAddress address) {
    Origin origin = new Origin(Listener.Protocol.HTTP, address);
    Optional<Secret.PasswordHash> hash = view.get().user(session.user())
        .filter(user -> fingerprint(user).equals(session.password())).flatMap(User::passwordHash);
    return hash.map(same -> authenticator.again(session.user(), new Credential.Password(same), origin))
        .orElseGet(() -> new LoginResult.Refused(LoginResult.Reason.WRONG_PASSWORD));
  }

  /**
   * Ends a session on all nodes; it is asked for, if this node does not know it.
   *
   * @return completes when the nodes that can be reached know it, after three seconds at the latest, with whether there was such a session
   */
  public CompletionStage<Boolean> end(String id, String reason) {
    if (known.containsKey(id)) {
      return endKnown(id, reason);
    }
    return fetch(id).thenCompose(found -> {
      found.ifPresent(this::heard);
      return endKnown(id, reason);
    });
  }

  private CompletionStage<Boolean> endKnown(String id, String reason) {
    return Optional.ofNullable(known.get(id)).filter(session -> !session.record().ended())
        .map(session -> end(session, reason).thenApply(_ -> true)).orElseGet(() -> CompletableFuture.completedFuture(false));
  }

  private CompletionStage<Void> end(KnownSession session, String reason) {
    SessionRecord before = session.record();
    if (!session.merge(before.end())) {
      return CompletableFuture.completedFuture(null); // by somebody else
    }
    log.info("The HTTP session {} of user {} has ended: {}", before.id(), before.user(), reason);
    // Whatever the policy says now: the others may know it from before.
    CompletionStage<Void> told = replication.publish(session.record(), SessionReplication.Reach.ALL);
    over(session, reason);
    tellLogout(before);
    return told;
  }

  /** It has been idle for too long, or is as old as it may become. Every node finds that by itself. */
  void expired(KnownSession session) {
    session.disconnectAll("the session has expired");
    if (session.record().node().equals(view.get().node().name())) {
      tellLogout(session.record());
    }
  }

  private void over(KnownSession session, String reason) {
    session.disconnectAll(reason);
    session.tell(new HttpSession.Ended());
  }

  private void tellLogout(SessionRecord record) {
    events.accept(new ClientEvent.LoggedOut(clock.instant(), record.user(), Listener.Protocol.HTTP.id(), record.address()));
  }

  /** Takes in what another node told of a session, or this one before. */
  public void heard(SessionRecord record) {
    if (now() >= record.expires()) {
      return;
    }
    KnownSession present = known.get(record.id());
    if (present == null && known.size() >= MAX_KNOWN) {
      return;
    }
    KnownSession session = present != null ? present : enter(new KnownSession(record, now() - record.lastUsed(), nanoTime));
    if (session.merge(record)) {
      over(session, "the session has ended");
    }
  }

  /** From now on the other nodes are told. */
  public void attach(SessionReplication way) {
    replication = way;
    publishAll();
  }

  /** The way to the other nodes is lost; what is known goes on. */
  public void detach() {
    replication = SessionReplication.NONE;
  }

  private void publishAll() {
    if (policy().replicated()) {
      replication.publishAll(known.values().stream().map(KnownSession::record).toList());
    }
  }

  void tellUse(KnownSession session) {
    publish(session.told(now()), SessionReplication.Reach.MAJORITY);
  }

  private CompletionStage<Void> publish(SessionRecord record, SessionReplication.Reach reach) {
    return policy().replicated() ? replication.publish(record, reach) : CompletableFuture.completedFuture(null);
  }

  /** The sessions that are alive, the oldest first. */
  public List<SessionRecord> list() {
    return alive().map(KnownSession::record).sorted(Comparator.comparingLong(SessionRecord::created).thenComparing(SessionRecord::id)).toList();
  }

  /** How many are alive. */
  public int count() {
    return (int) alive().count();
  }

  private Stream<KnownSession> alive() {
    return known.values().stream().filter(this::isAlive);
  }

  /** Forgets what nobody needs any more. */
  void sweep() {
    long now = now();
    known.values().stream().filter(session -> now >= session.record().expires() && !session.isServing()).forEach(this::forget);
  }

  /** Returns it, or what is there of the same id. */
  private KnownSession enter(KnownSession session) {
    KnownSession former = known.putIfAbsent(session.record().id(), session);
    if (former != null) {
      return former;
    }
    ofUsers.compute(session.record().user(), (_, others) -> {
      Set<KnownSession> all = others == null ? ConcurrentHashMap.newKeySet() : others;
      all.add(session);
      return all;
    });
    return session;
  }

  private void forget(KnownSession session) {
    known.remove(session.record().id(), session);
    ofUsers.computeIfPresent(session.record().user(), (_, others) -> {
      others.remove(session);
      return others.isEmpty() ? null : others;
    });
  }

  private Set<KnownSession> of(String user) {
    return ofUsers.getOrDefault(user, Set.of());
  }

  boolean isAlive(KnownSession session) {
    return session.isAlive(idleTimeout(), now());
  }

  long now() {
    return clock.millis();
  }

  /** After which a session ends that nobody uses. */
  public Duration idleTimeout() {
    return policy().idleTimeout();
  }

  /** How long the other nodes may not know that a session is used. */
  Duration useInterval() {
    Duration tenth = idleTimeout().dividedBy(10);
    return tenth.compareTo(LEAST_INTERVAL) < 0 ? LEAST_INTERVAL : tenth.compareTo(MOST_INTERVAL) > 0 ? MOST_INTERVAL : tenth;
  }

  private Policy.Sessions policy() {
    return Policy.Sessions.of(view.get().config());
  }

  /** Whether clients have to stay with this node. */
  public boolean isReplicated() {
    return policy().replicated();
  }

  private static String fingerprint(User user) {
    return user.passwordHash().map(hash -> SessionSecret.hash(hash.reveal(), FINGERPRINT_BYTES)).orElse("");
  }

  @Override
  public String name() {
    return "http-sessions";
  }

  /** Ends the sessions of users who could no longer log in as they did. */
  @Override
  public List<String> apply(ConfigDelta delta, ConfigView now) {
    if (delta.touches(Kind.USERS, Kind.GROUPS)) {
      Instant time = clock.instant();
      alive().filter(session -> delta.touches(Kind.GROUPS) || delta.names(Kind.USERS).contains(session.record().user()))
          .forEach(session -> revoked(session.record(), now, time).ifPresent(reason -> end(session, reason)));
    }
    if (delta.touches(Kind.POLICIES)) {
      boolean isReplicated = Policy.Sessions.of(now.config()).replicated();
      if (isReplicated && !wasReplicated) {
        publishAll();
      }
      wasReplicated = isReplicated;
    }
    return List.of();
  }

  private static Optional<String> revoked(SessionRecord session, ConfigView now, Instant time) {
    Optional<User> user = now.user(session.user());
    if (user.isEmpty()) {
      return Optional.of("the user was removed");
    }
    if (!user.get().enabled() || !user.get().isActive(time)) {
      return Optional.of("the user is disabled or has expired");
    }
    if (!fingerprint(user.get()).equals(session.password())) {
      return Optional.of("the password was changed");
    }
    return user.get().settings().admits(Listener.Protocol.HTTP) && user.get().settings().admits(LoginMethod.PASSWORD)
        ? Optional.empty() : Optional.of("the user may no longer log in like this");
  }

  @Override
  public List<String> check(ConfigDelta delta, ConfigView next) {
    return List.of();
  }
}
