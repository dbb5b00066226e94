package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.admin.Voters.UnavailableException;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class RegistryWorkTest {
  private final RegistryWork<String> work = new RegistryWork<>(() -> Optional.of("registry"), "none");

  @Test
  void moreThanTheBound_isRefused_untilOthersAreDone() throws Exception {
    CountDownLatch answered = new CountDownLatch(1);
    List<CompletionStage<String>> running = IntStream.range(0, RegistryWork.MAX_AT_ONCE).mapToObj(i -> work.run(registry -> {
      answered.await();
      return registry;
    })).toList();

    assertTrue(failure(work.run(registry -> registry)).getMessage().contains("try again shortly"));
    answered.countDown();
    for (CompletionStage<String> one : running) {
      assertEquals("registry", get(one));
    }
    assertEquals("registry", get(work.run(registry -> registry)));
  }

  @Test
  void registryThatIsNotOpenOrDoesNotAnswer_isUnavailable() {
    assertEquals("none", failure(new RegistryWork<String>(Optional::empty, "none").run(registry -> registry)).getMessage());
    assertEquals("silent", failure(work.run(registry -> {
      throw new IOException("silent");
    })).getMessage());
  }

  private static String get(CompletionStage<String> stage) throws Exception {
    return stage.toCompletableFuture().get(30, TimeUnit.SECONDS);
  }

  private static UnavailableException failure(CompletionStage<String> stage) {
    return assertInstanceOf(UnavailableException.class, assertThrows(ExecutionException.class, () -> get(stage)).getCause());
  }
}
