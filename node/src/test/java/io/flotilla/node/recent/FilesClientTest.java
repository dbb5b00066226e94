package io.flotilla.node.recent;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.node.HostPort;
import io.flotilla.node.streams.NodeStreams.BusyException;
import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

class FilesClientTest {
  private static final Version VERSION = new Version(1, Instant.EPOCH);
  private final AtomicInteger dialed = new AtomicInteger();

  private FilesClient client(Link.Dialer dialer) {
    RecentChanges changes = new RecentChanges("node-1", _ -> Duration.ofMinutes(10), () -> 1, System::nanoTime, new RecentChanges.Events() {
      @Override
      public void conflict(RecentChanges.Conflict conflict) {
        throw new AssertionError(conflict);
      }

      @Override
      public void forgotten(String node, int count) {
        throw new AssertionError(node);
      }
    });
    return new FilesClient(changes, (remoting, service, timeout) -> {
      dialed.incrementAndGet();
      return dialer.dial(remoting, service, timeout);
    }, _ -> Optional.of(new HostPort("127.0.0.1", 1)));
  }

  private static VfsException failure(FilesClient client) {
    VfsException failed = assertThrows(VfsException.class, () -> client.open(
        "node-2", new Location("main", VirtualPath.parse("/a")), VERSION));
    assertEquals(VfsError.NOT_ARRIVED, failed.error());
    return failed;
  }

  @Test
  void nodeThatIsBusy_isAskedAgainAtOnce_andOneThatIsSilentIsNot() {
    FilesClient client = client((_, _, _) -> {
      throw dialed.get() < 3 ? new BusyException("it is full") : new IOException("it is gone");
    });
    assertTrue(failure(client).getMessage().contains("too much at a time"));
    failure(client);
    assertEquals(2, dialed.get());
    assertTrue(failure(client).getMessage().contains("does not answer"));
    failure(client);
    assertEquals(3, dialed.get());
  }

  @Test
  void noMoreThanSome_waitForOneNode() throws Exception {
    CountDownLatch end = new CountDownLatch(1);
    FilesClient client = client((_, _, _) -> {
      try {
        end.await();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      throw new IOException("it is gone");
    });
    List<CompletableFuture<VfsException>> failures = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      CompletableFuture<VfsException> failed = new CompletableFuture<>();
      failures.add(failed);
      Thread.ofVirtual().start(() -> {
        try {
          failed.complete(failure(client));
        } catch (RuntimeException | Error e) {
          failed.completeExceptionally(e);
        }
      });
    }
    Awaitility.await().atMost(30, TimeUnit.SECONDS).until(() -> failures.stream().filter(CompletableFuture::isDone).count() == 8);
    assertEquals(32, dialed.get());
    end.countDown();
    for (CompletableFuture<VfsException> failed : failures) {
      failed.get(30, TimeUnit.SECONDS);
    }
  }
}
