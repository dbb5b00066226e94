package io.flotilla.node;

import io.flotilla.adapter.ProtocolAdapters;
import java.util.function.DoubleSupplier;
import java.util.function.Supplier;

/**
 * How many clients this node should get beside others, in percent of what its load balancer gives it otherwise. The fullest listener's
 * connections and the fullest protocol's transfers are hard bounds, so the weight falls with them to almost nothing; the processor is not:
 * where all nodes are busy none should be passed by for small differences, so it takes three quarters at most, and is smoothed over about
 * ten seconds. Samples are one thread's; anybody may ask.
 */
final class NodeLoad {
  private static final double CPU_SHARE = 0.75;
  /** Of a new sample, at one a second. */
  private static final double SMOOTHING = 0.1;

  private final Supplier<ProtocolAdapters.Use> use;
  private final DoubleSupplier cpu;
  private double smoothCpu;
  private volatile int weight = 100;

  /** @param cpu the part of the processors that is in use, from 0 to 1; negative if it is not known */
  NodeLoad(Supplier<ProtocolAdapters.Use> use, DoubleSupplier cpu) {
    this.use = use;
    this.cpu = cpu;
  }

  /** To be called about once a second. */
  void sample() {
    ProtocolAdapters.Use taken = use.get();
    double busy = cpu.getAsDouble();
    smoothCpu += SMOOTHING * ((busy >= 0 ? Math.min(1, busy) : 0) - smoothCpu);
    double room = 1 - Math.min(1, Math.max(taken.connections(), taken.transfers()));
    weight = Math.max(1, (int) Math.round(100 * room * (1 - CPU_SHARE * smoothCpu)));
  }

  /** From 1 to 100. */
  int weight() {
    return weight;
  }
}
