package io.flotilla.claim;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.flotilla.claim.event.Claim;
import io.flotilla.claim.event.ClaimEvent;
import io.flotilla.claim.event.ClaimSnapshot;
import io.flotilla.config.event.CborSerializable;
import io.flotilla.persistence.JournalPlugins;
import io.flotilla.persistence.JournalRetention;
import io.flotilla.persistence.RecoveryGate;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.LongSupplier;
import org.apache.pekko.actor.typed.ActorRef;
import org.apache.pekko.actor.typed.Behavior;
import org.apache.pekko.actor.typed.SupervisorStrategy;
import org.apache.pekko.actor.typed.javadsl.ActorContext;
import org.apache.pekko.actor.typed.javadsl.Behaviors;
import org.apache.pekko.actor.typed.javadsl.TimerScheduler;
import org.apache.pekko.persistence.typed.JournalPersistFailed;
import org.apache.pekko.persistence.typed.PersistenceId;
import org.apache.pekko.persistence.typed.RecoveryCompleted;
import org.apache.pekko.persistence.typed.SnapshotAdapter;
import org.apache.pekko.persistence.typed.javadsl.CommandHandler;
import org.apache.pekko.persistence.typed.javadsl.Effect;
import org.apache.pekko.persistence.typed.javadsl.EventHandler;
import org.apache.pekko.persistence.typed.javadsl.EventSourcedBehavior;
import org.apache.pekko.persistence.typed.javadsl.SignalHandler;

/**
 * Grants what only one may hold (the lease on an upload, a lock, a one-time code): a cluster singleton beside the primary, on
 * the same journal. A claim is granted, and renewed, only when that is durable on a majority; so a keeper that was deposed
 * without knowing it can neither grant nor prolong one. Claims run out on this keeper's own monotonic clock, which no change of
 * the time of day touches; after a fail-over every time starts afresh, so a claim may hold longer than asked, never shorter.
 */
public final class ClaimKeeper extends EventSourcedBehavior<ClaimKeeper.Command, ClaimEvent, ClaimTable> {

  public sealed interface Command permits Acquire, Renew, Release, FindClaims, Tick, Stop {}

  /**
   * Asks for a claim; the present holder gets its own again, with the new time.
   *
   * @param unless it is not granted while there is another claim whose key begins with one of these texts, at most
   *     {@value #MAX_UNLESS}. A keeper of an earlier release doesn't know of this; then neither is the detail in what it grants
   * @param detail is told with the claim, at most {@value #MAX_DETAIL_LENGTH} characters
   */
  public record Acquire(String key, String holder, long milliseconds, @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> unless,
      @JsonInclude(JsonInclude.Include.NON_EMPTY) String detail, ActorRef<Reply> replyTo) implements Command, CborSerializable {
    public Acquire {
      unless = unless == null ? List.of() : unless;
      detail = detail == null ? "" : detail;
    }

    public Acquire(String key, String holder, long milliseconds, ActorRef<Reply> replyTo) {
      this(key, holder, milliseconds, List.of(), "", replyTo);
    }
  }

  public record Renew(String key, long number, long milliseconds, ActorRef<Reply> replyTo)
      implements Command, CborSerializable {}

  public record Release(String key, long number, ActorRef<Reply> replyTo) implements Command, CborSerializable {}

  /** Asks for claims whose keys begin with a text and come after a key, at most {@value #MAX_LISTED}. */
  public record FindClaims(String prefix, String after, int limit, ActorRef<Found> replyTo)
      implements Command, CborSerializable {}

  private record Tick() implements Command {}

  /** The singleton is asked to hand over. */
  public record Stop() implements Command, CborSerializable {}

  public sealed interface Reply extends CborSerializable {}

  /** It is the asker's, for {@code claim.milliseconds()} from when it asked. */
  public record Granted(Claim claim) implements Reply {}

  /** Somebody else has it, for {@code remainingMilliseconds} more unless it is renewed. */
  public record Held(Claim claim, long remainingMilliseconds) implements Reply {}

  /** It is not the asker's, or no longer. */
  public record Lost(String key) implements Reply {}

  public record Released(String key) implements Reply {}

  /** Not granted: the request is wrong, or there are too many claims. */
  public record Refused(String key, String reason) implements Reply {}

  /** @param more whether there are others that did not fit into a message, though fewer than were asked for are told */
  public record Found(List<Claim> claims, List<Long> remainingMilliseconds,
      @JsonInclude(JsonInclude.Include.NON_DEFAULT) boolean more) implements CborSerializable {
    public Found(List<Claim> claims, List<Long> remainingMilliseconds) {
      this(claims, remainingMilliseconds, false);
    }
  }

  public static final PersistenceId PERSISTENCE_ID = PersistenceId.ofUniqueId("claims");
  public static final int MAX_CLAIMS = 50_000;
  public static final int MAX_LISTED = 100;
  public static final Duration MAX_TIME = Duration.ofDays(31);
  public static final int MAX_KEY_LENGTH = 1024;
  public static final int MAX_UNLESS = 200;
  public static final int MAX_DETAIL_LENGTH = 4096;
  /** Of all details together, so that a snapshot stays small. */
  private static final long MAX_DETAILS_LENGTH = 16 << 20;
  /** Of all prefixes of a request together: it has to fit into a message. */
  private static final int MAX_UNLESS_LENGTH = 100_000;
  /** Of claims in an answer; a character may take three bytes, and a frame of the remoting holds 256 KiB. */
  private static final int MAX_FOUND_LENGTH = 60_000;
  private static final int MAX_HOLDER_LENGTH = 256;
  private static final int MAX_EXPIRED_AT_ONCE = 500;
  private static final int SNAPSHOT_EVERY = 2_000;
  private static final long SNAPSHOT_BYTES = 4 << 20;
  private static final Duration TICK = Duration.ofSeconds(1);

  private final ActorContext<Command> context;
  private final TimerScheduler<Command> timers;
  private final LongSupplier nanoTime;
  private final JournalPlugins plugins;
  private final JournalRetention retention;
  private final RecoveryGate<Command> gate = new RecoveryGate<>(Command.class, Stop.class, Optional::of);
  private final long firstNumber;
  private final Map<String, Long> deadlines = new HashMap<>();

  /**
   * @param nanoTime a monotonic clock
   * @param firstNumber that grants may have, 1 or more; after a recovery above all that lost grants can have had
   */
  public static Behavior<Command> create(LongSupplier nanoTime, long firstNumber) {
    return Behaviors.setup(context -> Behaviors.withTimers(timers -> {
      ClaimKeeper keeper = new ClaimKeeper(context, timers, nanoTime, firstNumber);
      return Behaviors.intercept(() -> keeper.gate, keeper);
    }));
  }

  private ClaimKeeper(
      ActorContext<Command> context, TimerScheduler<Command> timers, LongSupplier nanoTime, long firstNumber) {
    super(PERSISTENCE_ID, SupervisorStrategy.restartWithBackoff(Duration.ofMillis(200), Duration.ofSeconds(3), 0.1));
    this.context = context;
    this.timers = timers;
    this.nanoTime = nanoTime;
    this.plugins = JournalPlugins.of(context.getSystem());
    this.retention = new JournalRetention(context, PERSISTENCE_ID, plugins, SNAPSHOT_EVERY, SNAPSHOT_BYTES);
    this.firstNumber = firstNumber;
  }

  @Override
  public ClaimTable emptyState() {
    return ClaimTable.EMPTY;
  }

  @Override
  public CommandHandler<Command, ClaimEvent, ClaimTable> commandHandler() {
    return (table, command) -> switch (command) {
      case Acquire acquire -> onAcquire(table, acquire);
      case Renew renew -> onRenew(table, renew);
      case Release release -> onRelease(table, release);
      case FindClaims find -> {
        find.replyTo().tell(found(table.list(find.prefix(), find.after(), Math.min(find.limit(), MAX_LISTED))));
        yield Effect().none();
      }
      case Tick tick -> onTick(table);
      case Stop stop -> Effect().none().thenStop();
    };
  }

  private Found found(List<Claim> all) {
    int count = 0;
    for (int length = 0; count < all.size(); count++) {
      length += all.get(count).size();
      if (count > 0 && length > MAX_FOUND_LENGTH) {
        break;
      }
    }
    List<Claim> told = all.subList(0, count);
    return new Found(told, told.stream().map(this::remaining).toList(), count < all.size());
  }

  private Effect<ClaimEvent, ClaimTable> onAcquire(ClaimTable table, Acquire acquire) {
    Optional<String> problem = problemWith(acquire.key(), acquire.holder(), acquire.milliseconds()).or(() -> problemWith(acquire));
    if (problem.isPresent()) {
      return reply(acquire.replyTo(), new Refused(acquire.key(), problem.get()));
    }
    Optional<Claim> present = table.find(acquire.key()).filter(claim -> remaining(claim) > 0);
    if (present.isPresent() && present.get().holder().equals(acquire.holder())) {
      return renew(present.get(), acquire.milliseconds(), acquire.replyTo());
    }
    if (present.isPresent()) {
      return reply(acquire.replyTo(), new Held(present.get(), remaining(present.get())));
    }
    Optional<Claim> other = acquire.unless().stream()
        .flatMap(prefix -> table.first(prefix, claim -> remaining(claim) > 0).stream()).findFirst();
    if (other.isPresent()) {
      return reply(acquire.replyTo(), new Held(other.get(), remaining(other.get())));
    }
    if (table.claims().size() >= MAX_CLAIMS) {
      return reply(acquire.replyTo(), new Refused(acquire.key(), "there are " + MAX_CLAIMS + " claims already"));
    }
    if (!acquire.detail().isEmpty() && table.detailLength() + acquire.detail().length() > MAX_DETAILS_LENGTH) {
      return reply(acquire.replyTo(), new Refused(acquire.key(), "the claims there are have too much detail already"));
    }
    long number = Math.max(table.lastNumber() + 1, firstNumber);
    Claim claim = new Claim(acquire.key(), acquire.holder(), number, acquire.milliseconds(), acquire.detail());
    return Effect().persist(new ClaimEvent.ClaimGranted(claim)).thenRun((ClaimTable after) -> {
      startTime(claim.key(), claim.milliseconds());
      acquire.replyTo().tell(new Granted(claim));
    });
  }

  private Effect<ClaimEvent, ClaimTable> onRenew(ClaimTable table, Renew renew) {
    Optional<Claim> present = table.find(renew.key(), renew.number()).filter(claim -> remaining(claim) > 0);
    if (present.isEmpty()) {
      return reply(renew.replyTo(), new Lost(renew.key()));
    }
    return problemWith(renew.key(), present.get().holder(), renew.milliseconds())
        .map(problem -> reply(renew.replyTo(), new Refused(renew.key(), problem)))
        .orElseGet(() -> renew(present.get(), renew.milliseconds(), renew.replyTo()));
  }

  private Effect<ClaimEvent, ClaimTable> renew(Claim claim, long milliseconds, ActorRef<Reply> replyTo) {
    return Effect().persist(new ClaimEvent.ClaimRenewed(claim.key(), claim.number(), milliseconds))
        .thenRun((ClaimTable after) -> {
          startTime(claim.key(), milliseconds);
          replyTo.tell(new Granted(claim.lasting(milliseconds)));
        });
  }

  private Effect<ClaimEvent, ClaimTable> onRelease(ClaimTable table, Release release) {
    if (table.find(release.key(), release.number()).isEmpty()) {
      return reply(release.replyTo(), new Lost(release.key()));
    }
    return Effect().persist(new ClaimEvent.ClaimReleased(release.key(), release.number())).thenRun((ClaimTable after) -> {
      deadlines.remove(release.key());
      release.replyTo().tell(new Released(release.key()));
    });
  }

  private Effect<ClaimEvent, ClaimTable> onTick(ClaimTable table) {
    List<Claim> expired = table.claims().values().stream().filter(claim -> remaining(claim) <= 0)
        .limit(MAX_EXPIRED_AT_ONCE).toList();
    if (expired.isEmpty()) {
      return Effect().none();
    }
    List<Claim> withoutDetail = expired.stream()
        .map(claim -> new Claim(claim.key(), claim.holder(), claim.number(), claim.milliseconds())).toList();
    return Effect().persist(new ClaimEvent.ClaimsExpired(withoutDetail))
        .thenRun((ClaimTable after) -> expired.forEach(claim -> deadlines.remove(claim.key())));
  }

  private Effect<ClaimEvent, ClaimTable> reply(ActorRef<Reply> to, Reply reply) {
    to.tell(reply);
    return Effect().none();
  }

  private static Optional<String> problemWith(String key, String holder, long milliseconds) {
    if (key.isEmpty() || key.length() > MAX_KEY_LENGTH || holder.isEmpty() || holder.length() > MAX_HOLDER_LENGTH) {
      return Optional.of("a key has 1 to " + MAX_KEY_LENGTH + " characters and a holder 1 to " + MAX_HOLDER_LENGTH);
    }
    return milliseconds < 1 || milliseconds > MAX_TIME.toMillis()
        ? Optional.of("a claim holds for 1 ms to " + MAX_TIME.toDays() + " days, not for " + milliseconds + " ms")
        : Optional.empty();
  }

  private static Optional<String> problemWith(Acquire acquire) {
    if (acquire.detail().length() > MAX_DETAIL_LENGTH) {
      return Optional.of("a detail has at most " + MAX_DETAIL_LENGTH + " characters");
    }
    return acquire.unless().size() > MAX_UNLESS || acquire.unless().stream().mapToInt(String::length).sum() > MAX_UNLESS_LENGTH
        ? Optional.of("a claim names at most " + MAX_UNLESS + " others that it gives way to, with " + MAX_UNLESS_LENGTH + " characters")
        : Optional.empty();
  }

  private void startTime(String key, long milliseconds) {
    deadlines.put(key, nanoTime.getAsLong() + Duration.ofMillis(milliseconds).toNanos());
  }

  private long remaining(Claim claim) {
    return Duration.ofNanos(deadlines.get(claim.key()) - nanoTime.getAsLong()).toMillis();
  }

  @Override
  public EventHandler<ClaimTable, ClaimEvent> eventHandler() {
    return ClaimTable::apply;
  }

  @Override
  public SignalHandler<ClaimTable> signalHandler() {
    return retention.onSignals(newSignalHandlerBuilder(), ClaimTable::applied)
        .onSignal(RecoveryCompleted.class, (table, signal) -> {
          gate.recovered();
          deadlines.clear();
          table.claims().values().forEach(claim -> startTime(claim.key(), claim.milliseconds()));
          timers.startTimerWithFixedDelay(new Tick(), TICK);
          retention.recovered(table.applied(), lastSequenceNumber(context));
        })
        .onSignal(JournalPersistFailed.class, (table, signal) -> gate.failed())
        .build();
  }

  @Override
  public boolean shouldSnapshot(ClaimTable table, ClaimEvent event, long sequenceNr) {
    return retention.isDue(table.applied());
  }

  @Override
  public SnapshotAdapter<ClaimTable> snapshotAdapter() {
    return new SnapshotAdapter<>() {
      @Override
      public Object toJournal(ClaimTable table) {
        return table.toSnapshot();
      }

      @Override
      public ClaimTable fromJournal(Object stored) {
        return ClaimTable.of((ClaimSnapshot) stored);
      }
    };
  }

  @Override
  public String journalPluginId() {
    return plugins.journal();
  }

  @Override
  public String snapshotPluginId() {
    return plugins.snapshots();
  }
}
