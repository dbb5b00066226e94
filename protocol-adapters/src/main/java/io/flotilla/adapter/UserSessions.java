package io.flotilla.adapter;

import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;

/**
 * What the sessions of a user on this node share, all protocols together: how many they are, and how fast they may be. It is
 * there as long as the user has a session. Safe for all threads; never blocks.
 */
final class UserSessions {
  private final Map<String, Shared> users = new ConcurrentHashMap<>();

  /** The paces of a user's transfers. */
  static final class Shared {
    final Pace uploads = new Pace();
    final Pace downloads = new Pace();
    /** How many connections each has: one client may come by several, and is one session all the same. */
    private final Map<Object, Integer> sessions = new HashMap<>();

    private void limitTo(UserSettings.Limits limits) {
      uploads.limitTo(limits.uploadBytesPerSecond());
      downloads.limitTo(limits.downloadBytesPerSecond());
    }

    Pace pace(ClientEvent.Direction direction) {
      return direction == ClientEvent.Direction.UPLOAD ? uploads : downloads;
    }
  }

  /**
   * Counts a session, which is to be given back; empty if the user has as many as they may.
   *
   * @param session what is the same for all connections of one session
   */
  Optional<Shared> enter(User user, Object session) {
    UserSettings.Limits limits = user.settings().limits();
    boolean[] entered = {false};
    Shared shared = users.compute(user.name(), (name, present) -> {
      Shared mine = present == null ? new Shared() : present;
      if (mine.sessions.containsKey(session) || limits.sessions().isEmpty() || mine.sessions.size() < limits.sessions().getAsInt()) {
        mine.sessions.merge(session, 1, Integer::sum);
        mine.limitTo(limits);
        entered[0] = true;
      }
      return mine.sessions.isEmpty() ? null : mine;
    });
    return entered[0] ? Optional.of(shared) : Optional.empty();
  }

  void leave(String user, Object session) {
    users.computeIfPresent(user, (name, shared) -> {
      shared.sessions.computeIfPresent(session, (_, connections) -> connections == 1 ? null : connections - 1);
      return shared.sessions.isEmpty() ? null : shared;
    });
  }

  /** The user's limits may be others now; those of speed hold at once. */
  void changed(User user) {
    Shared shared = users.get(user.name());
    if (shared != null) {
      shared.limitTo(user.settings().limits());
    }
  }
}
