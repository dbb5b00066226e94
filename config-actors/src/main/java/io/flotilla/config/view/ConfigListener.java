package io.flotilla.config.view;

import io.flotilla.config.model.ConfigDelta;
import java.util.List;

/**
 * Something that follows the configuration while it runs, such as a protocol adapter. It is called by one thread at a
 * time, first with the delta from the empty configuration, so that starting and changing are one path.
 */
public interface ConfigListener {
  String name();

  /**
   * Brings itself to the new view and returns what it could not do, in words for the operator; none if all is well. It is
   * called again with an empty delta from time to time while it has problems.
   */
  List<String> apply(ConfigDelta delta, ConfigView view);

  /**
   * Says why it could not apply a change that is not made yet, in words for the operator; nothing if it could. It judges
   * the node's state after the change and only what the change brings, and leaves nothing behind. Called by the same thread
   * as {@link #apply}, and answers within a moment.
   */
  List<String> check(ConfigDelta delta, ConfigView next);

  /**
   * Whether it is called again with an empty delta from time to time also while all is well, because what it depends on can
   * fail by itself.
   */
  default boolean isWatchful() {
    return false;
  }
}
