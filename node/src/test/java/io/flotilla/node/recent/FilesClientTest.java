package io.flotilla.node.recent;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.node.HostPort;
import io.flotilla.node.streams.NodeStreams.BusyException;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
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

  /** A node that has one file, whose answers may stop once in the midst of a message. */
  private static final class FileLink implements Link {
    private final byte[] content;
    private final ByteArrayOutputStream answers = new ByteArrayOutputStream();
    private int taken;
    private int stallsAt;
    private boolean isClosed;

    /** @param stallsAt after how many bytes of answers */
    FileLink(byte[] content, int stallsAt) {
      this.content = content;
      this.stallsAt = stallsAt;
    }

    private void needOpen() throws IOException {
      if (isClosed) {
        throw new IOException("it is closed");
      }
    }

    @Override
    public OutputStream out() {
      return new OutputStream() {
        @Override
        public void write(int b) {
          throw new AssertionError("messages are written as a whole");
        }

        @Override
        public void write(byte[] bytes, int offset, int length) throws IOException {
          needOpen();
          Frame.Writer answer = FilesMessages.done();
          if (FilesMessages.request(Frame.read(new ByteArrayInputStream(bytes, offset, length))) instanceof FilesMessages.Read read) {
            int from = (int) read.position();
            answer.bytes(Arrays.copyOfRange(content, from, from + read.length()));
          }
          answer.writeTo(answers);
        }
      };
    }

    @Override
    public InputStream in() {
      return new InputStream() {
        @Override
        public int read() {
          throw new AssertionError("bytes are read together");
        }

        @Override
        public int read(byte[] bytes, int offset, int length) throws IOException {
          needOpen();
          if (taken == stallsAt) {
            stallsAt = -1;
            throw new SocketTimeoutException("nothing comes");
          }
          int count = Math.min(length, (stallsAt > taken ? stallsAt : answers.size()) - taken);
          System.arraycopy(answers.toByteArray(), taken, bytes, offset, count);
          taken += count;
          return count;
        }
      };
    }

    @Override
    public String peer() {
      return "node-2";
    }

    @Override
    public void readTimeout(Duration timeout) {
      // What stalls says so at once.
    }

    @Override
    public void close() {
      isClosed = true;
    }
  }

  @Test
  void answerThatStopsInItsMidst_isNotReadOnAsIfItBegan() throws Exception {
    byte[] content = new byte[600_000];
    for (int i = 2; i < content.length; i += 4) {
      content[i] = 1; // every four bytes are the length of a message, and the one after them says that it went well
    }
    Deque<FileLink> links = new ArrayDeque<>(List.of(new FileLink(content, 5 + 5 + 4_000), new FileLink(content, -1)));
    FilesClient client = client((_, _, _) -> links.removeFirst());
    OpenFile file = client.open("node-2", new Location("main", VirtualPath.parse("/a")), new Version(content.length, Instant.EPOCH))
        .orElseThrow();
    VfsException stalled = assertThrows(VfsException.class, () -> file.read(ByteBuffer.allocate(100), 0));
    assertEquals(VfsError.NOT_ARRIVED, stalled.error());

    ByteBuffer all = ByteBuffer.allocate(content.length);
    while (all.hasRemaining()) {
      int from = all.position();
      assertTrue(file.read(all, from) > 0);
      assertArrayEquals(Arrays.copyOfRange(content, from, all.position()), Arrays.copyOfRange(all.array(), from, all.position()));
    }
    assertEquals(2, dialed.get());
    file.close();
  }
}
