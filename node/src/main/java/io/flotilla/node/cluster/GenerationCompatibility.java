package io.flotilla.node.cluster;

import com.typesafe.config.Config;
import java.util.List;
import org.apache.pekko.cluster.ConfigValidation;
import org.apache.pekko.cluster.JoinConfigCompatChecker;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Lets a node join only the Pekko cluster of its own cluster id, cluster key and generation, so that two clusters can't
 * mix whatever was restarted or cut off. Pekko makes it by name from {@code cluster.conf}.
 */
public final class GenerationCompatibility extends JoinConfigCompatChecker {
  static final String CLUSTER_ID = "flotilla.formation.cluster-id";
  static final String KEY_ID = "flotilla.formation.cluster-key-id";
  static final String GENERATION = "flotilla.formation.generation";

  @Override
  public Seq<String> requiredKeys() {
    return CollectionConverters.asScala(List.of(CLUSTER_ID, KEY_ID, GENERATION)).toSeq();
  }

  @Override
  public ConfigValidation check(Config toCheck, Config actual) {
    return JoinConfigCompatChecker.fullMatch(requiredKeys(), toCheck, actual);
  }
}
