package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ProtocolAdapters;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeLoadTest {
  private ProtocolAdapters.Use use = new ProtocolAdapters.Use(0, 0);
  private double cpu;
  private final NodeLoad load = new NodeLoad(() -> use, () -> cpu);

  private int weightAfter(int samples) {
    for (int i = 0; i < samples; i++) {
      load.sample();
    }
    return load.weight();
  }

  @ParameterizedTest
  @CsvSource({"0, 0, 0, 100", "0.5, 0, 0, 50", "0, 0.75, 0, 25", "0.5, 0.75, 0, 25", "0, 0, 1, 25", "0.5, 0, 1, 13", "1, 0, 0, 1",
      "0, 1, 1, 1", "3, 0, 0, 1", "0, 0, -1, 100", "0, 0, 7, 25"})
  void weight_isWhatIsLeft_andNeverNothing(double connections, double transfers, double processor, int weight) {
    use = new ProtocolAdapters.Use(connections, transfers);
    cpu = processor;
    assertEquals(weight, weightAfter(200));
  }

  @Test
  void aMomentOfTheProcessor_hardlyCounts_andConnectionsDoAtOnce() {
    cpu = 1;
    assertTrue(weightAfter(1) > 90);
    cpu = 0;
    use = new ProtocolAdapters.Use(0.9, 0);
    assertTrue(weightAfter(1) <= 10);
  }
}
