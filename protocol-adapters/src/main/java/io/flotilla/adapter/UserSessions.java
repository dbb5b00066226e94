package io.flotilla.adapter;

import io.flotilla.config.model.User;
import io.flotilla.config.model.UserSettings;
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
    private int sessions;

    private void limitTo(UserSettings.Limits limits) {
      uploads.limitTo(limits.uploadBytesPerSecond());
      downloads.limitTo(limits.downloadBytesPerSecond());
    }

    Pace pace(ClientEvent.Direction direction) {
      return direction == ClientEvent.Direction.UPLOAD ? uploads : downloads;
    }
  }

  /** Counts a session, which is to be given back; empty if the user has as many as they may. */
  Optional<Shared> enter(User user) {
    UserSettings.Limits limits = user.settings().limits();
    boolean[] entered = {false};
    Shared shared = users.compute(user.name(), (name, present) -> {
      Shared mine = present == null ? new Shared() : present;
      if (limits.sessions().isEmpty() || mine.sessions < limits.sessions().getAsInt()) {
        mine.sessions++;
        mine.limitTo(limits);
        entered[0] = true;
      }
      return mine;
    });
    return entered[0] ? Optional.of(shared) : Optional.empty();
  }

  void leave(String user) {
    users.computeIfPresent(user, (name, shared) -> --shared.sessions == 0 ? null : shared);
  }

  /** The user's limits may be others now; those of speed hold at once. */
  void changed(User user) {
    Shared shared = users.get(user.name());
    if (shared != null) {
      shared.limitTo(user.settings().limits());
    }
  }
}
