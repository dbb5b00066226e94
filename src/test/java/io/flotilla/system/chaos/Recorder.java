package io.flotilla.system.chaos;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicIntegerArray;

/** Collects what is done and seen while a run goes on. Safe for all threads. */
final class Recorder {
  private final Map<String, Observations.Change> changes = new ConcurrentHashMap<>();
  private final Map<String, String> ids = new ConcurrentHashMap<>();
  private final ConcurrentLinkedQueue<Observations.Sighting> sightings = new ConcurrentLinkedQueue<>();
  private final Map<String, Observations.Historic> history = new ConcurrentHashMap<>();
  private final List<Observations.FinalState> finals = new ArrayList<>();
  private final List<Observations.Lookup> lookups = new ArrayList<>();
  private final ConcurrentLinkedQueue<String> accidents = new ConcurrentLinkedQueue<>();
  private final AtomicIntegerArray lives;

  Recorder(int nodes) {
    lives = new AtomicIntegerArray(nodes + 1);
  }

  /** Which life a node is in; it grows with each start. */
  int life(int node) {
    return lives.get(node);
  }

  void started(int node) {
    lives.incrementAndGet(node);
  }

  /** A change is recorded after each attempt, so that what is cut short is not forgotten. */
  void change(Observations.Change change) {
    changes.put(change.key(), change);
  }

  void id(String key, String id) {
    ids.put(key, id);
  }

  Map<String, String> ids() {
    return ids;
  }

  /** What a node said of its version counts only if it lived through the question. */
  void sighting(Observations.Sighting sighting) {
    if (sighting.life() == life(sighting.node())) {
      sightings.add(sighting);
    }
  }

  void history(Observations.Historic entry) {
    history.putIfAbsent(entry.version() + " " + entry.text(), entry);
  }

  OptionalLong newest() {
    return history.values().stream().mapToLong(Observations.Historic::version).max();
  }

  void end(Observations.FinalState state) {
    finals.add(state);
  }

  void lookup(Observations.Lookup lookup) {
    lookups.add(lookup);
  }

  void accident(String what) {
    accidents.add(what);
  }

  Observations observations() {
    return new Observations(List.copyOf(changes.values()), List.copyOf(sightings), List.copyOf(history.values()),
        List.copyOf(finals), List.copyOf(lookups), List.copyOf(accidents));
  }
}
