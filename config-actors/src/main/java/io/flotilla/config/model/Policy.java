package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Duration;
import java.util.Optional;

/** A rule for the whole cluster. Its name says which: each policy has one name, and an absent one has its defaults. */
public sealed interface Policy extends Entity {

  /**
   * Which node is to be the primary whenever it can.
   *
   * @param preferred a node's name; empty if any will do
   */
  record Primary(Optional<String> preferred) implements Policy {
    public static final String NAME = "primary";

    static Primary read(Fields fields) {
      return new Primary(fields.parsed("preferred", node -> {
        EntityKey.problemWithName(node).ifPresent(problem -> {
          throw new IllegalArgumentException(problem);
        });
        return node;
      }));
    }

    public static Primary of(ClusterConfig config) {
      return config.find(Kind.POLICIES, NAME, Primary.class).orElse(new Primary(Optional.empty()));
    }

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void describe(ObjectNode json) {
      json.put("preferred", preferred.orElse(null));
    }
  }

  /**
   * How much of the past is kept.
   *
   * @param changes the most changes that history holds; it also holds less than 16 MiB of them
   */
  record History(int changes) implements Policy {
    public static final String NAME = "history";
    private static final int MOST_CHANGES = 100_000;
    private static final int DEFAULT_CHANGES = 10_000;

    static History read(Fields fields) {
      return new History(fields.integer("changes", 1, MOST_CHANGES, DEFAULT_CHANGES));
    }

    public static History of(ClusterConfig config) {
      return config.find(Kind.POLICIES, NAME, History.class).orElse(new History(DEFAULT_CHANGES));
    }

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void describe(ObjectNode json) {
      json.put("changes", changes);
    }
  }

  /**
   * What becomes of uploads.
   *
   * @param keepPartials how long what a broken upload left may lie unchanged before it is deleted; an hour to a year
   */
  record Uploads(Duration keepPartials) implements Policy {
    public static final String NAME = "uploads";
    private static final Duration LEAST = Duration.ofHours(1);
    private static final Duration MOST = Duration.ofDays(365);
    private static final Duration DEFAULT = Duration.ofDays(7);

    static Uploads read(Fields fields) {
      return new Uploads(duration(fields, "keepPartials", LEAST, MOST).orElse(DEFAULT));
    }

    public static Uploads of(ClusterConfig config) {
      return config.find(Kind.POLICIES, NAME, Uploads.class).orElse(new Uploads(DEFAULT));
    }

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void describe(ObjectNode json) {
      json.put("keepPartials", Durations.format(keepPartials));
    }
  }

  /**
   * How long HTTP sessions live, and where.
   *
   * @param idleTimeout after which a session that is not used ends; a second to a month
   * @param lifetime after which it ends in any case; a minute to a month
   * @param replicated whether every node knows every session, so that a client may go to another one with each request
   */
  record Sessions(Duration idleTimeout, Duration lifetime, boolean replicated) implements Policy {
    public static final String NAME = "sessions";
    private static final Duration LEAST_IDLE = Duration.ofSeconds(1);
    private static final Duration LEAST_LIFETIME = Duration.ofMinutes(1);
    private static final Duration MOST = Duration.ofDays(31);
    public static final Sessions DEFAULT = new Sessions(Duration.ofMinutes(30), Duration.ofHours(12), true);

    static Sessions read(Fields fields) {
      return new Sessions(duration(fields, "idleTimeout", LEAST_IDLE, MOST).orElse(DEFAULT.idleTimeout),
          duration(fields, "lifetime", LEAST_LIFETIME, MOST).orElse(DEFAULT.lifetime), fields.bool("replicated", DEFAULT.replicated));
    }

    public static Sessions of(ClusterConfig config) {
      return config.find(Kind.POLICIES, NAME, Sessions.class).orElse(DEFAULT);
    }

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void describe(ObjectNode json) {
      json.put("idleTimeout", Durations.format(idleTimeout)).put("lifetime", Durations.format(lifetime)).put("replicated", replicated);
    }
  }

  /**
   * How stale a node may serve before load balancers are told to pass it by. Whatever they say, it goes on serving who comes.
   *
   * @param isolatedAfter how long a node may hear no primary; any time if empty. 5 seconds to a day
   * @param maxBehind how long a node may serve an older version than the newest that it has heard of; any time if empty. A second to a day
   */
  record Health(Optional<Duration> isolatedAfter, Optional<Duration> maxBehind) implements Policy {
    public static final String NAME = "health";
    /** A node that hears nothing is isolated after as long. */
    private static final Duration LEAST_ISOLATED = Duration.ofSeconds(5);
    private static final Duration LEAST_BEHIND = Duration.ofSeconds(1);
    private static final Duration MOST = Duration.ofDays(1);
    private static final String NEVER = "never";
    public static final Health DEFAULT = new Health(Optional.empty(), Optional.empty());

    static Health read(Fields fields) {
      return new Health(durationOrNever(fields, "isolatedAfter", LEAST_ISOLATED), durationOrNever(fields, "maxBehind", LEAST_BEHIND));
    }

    private static Optional<Duration> durationOrNever(Fields fields, String name, Duration least) {
      return fields.parsed(name, text -> {
        try {
          return text.equals(NEVER) ? Optional.<Duration>empty() : Optional.of(within(text, least, MOST));
        } catch (IllegalArgumentException e) {
          throw new IllegalArgumentException(e.getMessage() + ", or never", e);
        }
      }).flatMap(found -> found);
    }

    public static Health of(ClusterConfig config) {
      return config.find(Kind.POLICIES, NAME, Health.class).orElse(DEFAULT);
    }

    @Override
    public String name() {
      return NAME;
    }

    @Override
    public void describe(ObjectNode json) {
      json.put("isolatedAfter", isolatedAfter.map(Durations::format).orElse(NEVER));
      json.put("maxBehind", maxBehind.map(Durations::format).orElse(NEVER));
    }
  }

  private static Optional<Duration> duration(Fields fields, String name, Duration least, Duration most) {
    return fields.parsed(name, text -> within(text, least, most));
  }

  private static Duration within(String text, Duration least, Duration most) {
    Duration duration = Durations.parse(text, most);
    if (duration.compareTo(least) < 0) {
      throw new IllegalArgumentException("must be at least " + Durations.format(least));
    }
    return duration;
  }

  /** Reads the policy of a name; a name that this release does not know is a fault of the document. */
  static Entity read(Fields fields) {
    return switch (fields.name()) {
      case Primary.NAME -> Primary.read(fields);
      case History.NAME -> History.read(fields);
      case Uploads.NAME -> Uploads.read(fields);
      case Sessions.NAME -> Sessions.read(fields);
      case Health.NAME -> Health.read(fields);
      default -> {
        fields.fault("'" + fields.name() + "' is not a policy; known are " + Health.NAME + ", " + History.NAME + ", " + Primary.NAME + ", "
            + Sessions.NAME + ", " + Uploads.NAME);
        yield new Entity.Unknown(Kind.POLICIES.id(), fields.name());
      }
    };
  }
}
