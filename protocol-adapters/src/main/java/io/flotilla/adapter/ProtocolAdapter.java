package io.flotilla.adapter;

import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;

/**
 * What a protocol brings along to be served by {@link ProtocolAdapters}, which calls it from one thread at a time.
 *
 * @param <O> what applies to new connections of a listener; immutable
 */
public interface ProtocolAdapter<O> {
  Listener.Protocol protocol();

  /** The kinds of entity, beside listeners and nodes, that options are made of. */
  Set<Kind> kinds();

  /**
   * What a listener's new connections get under a configuration; it is made for trial as well, and must leave nothing behind.
   *
   * @param former what the listener has now, and may keep in part if the configuration has no replacement
   * @param problem is told what is wrong, in words for the operator; they follow the listener's name and a colon
   * @return nothing if the listener can't be opened this way
   */
  Optional<O> options(ConfigView.OpenListener open, ConfigView view, Optional<O> former, Consumer<String> problem);

  /** A listener that has no address yet. */
  ProtocolListener<O> create(String name, O options);

  /** How much of what bounds the transfers of all its listeners is in use, from 0 to 1. */
  default double use() {
    return 0;
  }

  /** Ends what the listeners share, after the last of them was disposed of. */
  void close();
}
