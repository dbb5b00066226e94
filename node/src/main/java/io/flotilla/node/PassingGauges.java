package io.flotilla.node;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/** Gauges of something that this node has at times only: while it has not, there are no such metrics. Safe for all threads. */
final class PassingGauges<T> {
  /** @param name by Micrometer's conventions */
  record Measure<T>(String name, String description, ToDoubleFunction<T> value) {}

  private final MeterRegistry registry;
  private final List<Measure<T>> measures;
  private final List<Gauge> registered = new ArrayList<>();
  private volatile T now;

  PassingGauges(MeterRegistry registry, List<Measure<T>> measures) {
    this.registry = registry;
    this.measures = List.copyOf(measures);
  }

  synchronized void set(Optional<T> value) {
    value.ifPresentOrElse(present -> {
      now = present;
      if (registered.isEmpty()) {
        measures.forEach(measure -> registered.add(Gauge.builder(
            measure.name(), this, gauges -> measure.value().applyAsDouble(gauges.now))
            .description(measure.description()).register(registry)));
      }
    }, () -> {
      registered.forEach(registry::remove);
      registered.clear();
    });
  }
}
