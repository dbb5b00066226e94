package io.flotilla.persistence;

import com.typesafe.config.Config;
import org.apache.pekko.actor.typed.ActorSystem;

/** The ids of the plugins that this node's journal engine is. */
public record JournalPlugins(String journal, String snapshots) {

  public static JournalPlugins of(ActorSystem<?> system) {
    Config config = system.settings().config();
    return new JournalPlugins(
        config.getString("flotilla.journal.plugin"), config.getString("flotilla.snapshot-store.plugin"));
  }
}
