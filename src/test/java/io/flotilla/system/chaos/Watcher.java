package io.flotilla.system.chaos;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Looks at one node again and again until it is interrupted: its version and digest, and what history it tells. */
final class Watcher implements Runnable {
  private static final Pattern KEY = Pattern.compile(Workload.PREFIX + "\\d+-\\d+");
  private static final int PAUSE_MILLIS = 40;
  private static final int LOOKS_PER_HISTORY = 12;
  private static final int PAGE = 100;

  private final int node;
  private final Client client;
  private final Recorder recorder;

  Watcher(int node, Client client, Recorder recorder) {
    this.node = node;
    this.client = client;
    this.recorder = recorder;
  }

  @Override
  public void run() {
    try {
      for (int look = 0; !Thread.currentThread().isInterrupted(); look++) {
        try {
          sight();
          if (look % LOOKS_PER_HISTORY == 0) {
            readHistory(recorder.newest().orElse(0));
          }
        } catch (IOException e) {
          // It is dead, frozen or busy.
        }
        TimeUnit.MILLISECONDS.sleep(PAUSE_MILLIS);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** Returns what the node has, as version and digest; empty if it doesn't say. */
  Optional<Observations.Sighting> sight() throws IOException {
    int life = recorder.life(node);
    long sent = System.nanoTime();
    Client.Answer answer = client.get(node, "/api/v1/config?limit=1");
    if (answer.status() != 200) {
      return Optional.empty();
    }
    Observations.Sighting sighting = new Observations.Sighting(node, life, sent, System.nanoTime(),
        answer.body().path("version").asLong(), Optional.of(answer.body().path("digest").asText()));
    recorder.sighting(sighting);
    return Optional.of(sighting);
  }

  /**
   * Reads the history backwards, to a version and one page beyond, so that what is told anew is compared. Returns the keys
   * of the changes by version, empty text for changes of others.
   */
  TreeMap<Long, String> readHistory(long to) throws IOException {
    TreeMap<Long, String> keys = new TreeMap<>();
    long before = Long.MAX_VALUE;
    long lowest;
    do {
      Client.Answer answer = client.get(node, "/api/v1/config/history?limit=" + PAGE
          + (before == Long.MAX_VALUE ? "" : "&before=" + before));
      JsonNode changes = answer.body().path("changes");
      if (answer.status() != 200 || changes.isEmpty()) {
        return keys;
      }
      lowest = before;
      for (JsonNode change : changes) {
        Observations.Historic entry = historic(change);
        recorder.history(entry);
        keys.put(entry.version(), entry.key().orElse(""));
        lowest = Math.min(lowest, change.path("version").asLong());
      }
      before = lowest;
    } while (lowest > 1 && lowest > to);
    return keys;
  }

  private Observations.Historic historic(JsonNode change) {
    Map<String, Optional<String>> values = new HashMap<>();
    for (JsonNode operation : change.path("operations")) {
      String name = operation.path("name").asText();
      if (name.startsWith(Workload.PREFIX)) {
        values.put(name, operation.path("op").asText().equals("delete")
            ? Optional.empty() : Optional.of(operation.path("after").path("home").path("path").asText()));
      }
    }
    Matcher key = KEY.matcher(change.path("id").asText());
    return new Observations.Historic(node, change.path("version").asLong(),
        key.find() ? Optional.of(key.group()) : Optional.empty(), Map.copyOf(values), change.toString());
  }
}
