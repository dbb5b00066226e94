package io.flotilla.adapter;

import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import java.util.List;

/** Says which listeners of this node no adapter opens, because only a newer release knows their protocol. */
public final class UnknownProtocols implements ConfigListener {
  private List<String> problems = List.of();

  @Override
  public String name() {
    return "protocols";
  }

  @Override
  public List<String> apply(ConfigDelta delta, ConfigView view) {
    if (!problems.isEmpty() || delta.touches(Kind.LISTENERS)) {
      problems = problems(view);
    }
    return problems;
  }

  @Override
  public List<String> check(ConfigDelta delta, ConfigView next) {
    List<String> known = problems(new ConfigView(delta.from(), next.node()));
    return problems(next).stream().filter(problem -> !known.contains(problem)).toList();
  }

  private static List<String> problems(ConfigView view) {
    return view.listeners().values().stream().map(ConfigView.OpenListener::listener)
        .filter(listener -> !listener.protocol().isKnown())
        .map(listener -> "listener " + listener.name() + ": this release does not know the protocol "
            + listener.protocol().id() + ", so nothing is opened for it; upgrade this node, or name other nodes in the listener")
        .toList();
  }
}
