package io.flotilla.http.admin;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Consumer;

/**
 * The event stream of this node: whoever subscribes gets what happens from then on. Publishing never blocks; a subscriber
 * that is slow loses events in its own bounded queue, which it learns from the gap in the ids.
 */
public final class EventFeed {
  private static final int MAX_SUBSCRIBERS = 256;

  /**
   * @param id grows by one per event of this node
   * @param json one JSON object on one line
   */
  public record Event(long id, String type, String json) {}

  private final AtomicLong ids = new AtomicLong();
  private final List<Consumer<Event>> subscribers = new CopyOnWriteArrayList<>();

  public void publish(String type, String json) {
    Event event = new Event(ids.incrementAndGet(), type, json);
    subscribers.forEach(subscriber -> subscriber.accept(event));
  }

  /** Returns false if there are too many subscribers. */
  boolean subscribe(Consumer<Event> subscriber) {
    synchronized (subscribers) {
      return subscribers.size() < MAX_SUBSCRIBERS && subscribers.add(subscriber);
    }
  }

  void unsubscribe(Consumer<Event> subscriber) {
    subscribers.remove(subscriber);
  }

  /** For tests and metrics. */
  public List<Consumer<Event>> subscribers() {
    return new ArrayList<>(subscribers);
  }
}
