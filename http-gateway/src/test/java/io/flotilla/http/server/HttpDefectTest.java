package io.flotilla.http.server;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.config.model.Kind;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayInputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.net.http.HttpRequest;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CountDownLatch;
import java.util.function.BooleanSupplier;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What a connection does when there are no buffers for it, and when something that it runs fails by a defect. */
class HttpDefectTest extends HttpFixture {
  private static final int LARGE = 24 << 20;
  private static final VirtualPath PATH = path();

  /** Where the defect is. */
  private volatile BooleanSupplier isHere = () -> false;
  private volatile CountDownLatch goesOn = new CountDownLatch(0);

  private final CountDownLatch failed = new CountDownLatch(1);

  private static VirtualPath path() {
    try {
      return VirtualPath.parse("/a.bin");
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  /** Takes all transfer buffers that are there. */
  private List<ByteBuffer> takeBuffers() {
    List<ByteBuffer> taken = new ArrayList<>();
    while (true) {
      try {
        taken.add(http.engine.buffers.take());
      } catch (TransferBuffers.ExhaustedException e) {
        return taken;
      }
    }
  }

  private int countBuffers() {
    List<ByteBuffer> taken = takeBuffers();
    taken.forEach(http.engine.buffers::give);
    return taken.size();
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void withoutABuffer_filesGoBothWays(boolean tls) throws Exception {
    byte[] data = random(LARGE);
    List<ByteBuffer> all = takeBuffers();
    assertEquals(201, put(tls, "/files/a.bin", data).statusCode());
    assertArrayEquals(data, Files.readAllBytes(home().resolve("a.bin")));
    assertArrayEquals(data, get(tls, "/files/a.bin").body());
    all.forEach(http.engine.buffers::give);
    assertEquals(all.size(), countBuffers());
  }

  private static boolean isOwnThread() {
    return Thread.currentThread().getName().matches("https?-127\\.0\\.0\\.1"); // of the listener http or https
  }

  /** A file that fails by a defect where {@link #isHere} says so. */
  private OpenFile faulty(OpenFile real) {
    Set<String> moves = Set.of("read", "write", "transferTo");
    return (OpenFile) Proxy.newProxyInstance(OpenFile.class.getClassLoader(), new Class<?>[] {OpenFile.class}, (_, method, given) -> {
      if (moves.contains(method.getName()) && isHere.getAsBoolean()) {
        throw new IllegalStateException("a defect");
      }
      try {
        return method.invoke(real, given);
      } catch (InvocationTargetException e) {
        throw e.getCause();
      }
    });
  }

  /** PUT and GET of a file with a defect. After that a PUT goes on when {@link #goesOn} says so. */
  @Override
  CompletionStage<HttpResponse> more(UserRequest request) {
    boolean isUpload = request.http().method().value().equals("PUT");
    try {
      OpenFile file = faulty(request.files().open(
          PATH, isUpload ? new OpenMode(false, true, false, true, true, false) : OpenMode.READ, 0666));
      Transfer account = request.transfers().began(PATH, isUpload ? ClientEvent.Direction.UPLOAD : ClientEvent.Direction.DOWNLOAD);
      if (!isUpload) {
        return CompletableFuture.completedFuture(HttpResponse.create().withEntity(
            request.bodies().send(ContentTypes.APPLICATION_OCTET_STREAM, file, 0, file.attributes().size(), account)));
      }
      return request.bodies().receive(request.http(), file, 0, account).handle((_, failure) -> {
        failed.countDown();
        try {
          goesOn.await();
        } catch (InterruptedException e) {
          throw new AssertionError(e);
        }
        file.abandon();
        account.ended(failure == null ? ClientEvent.Outcome.COMPLETED : ClientEvent.Outcome.BROKEN);
        return HttpResponse.create().withStatus(failure == null ? 200 : 500).addHeader(Connection.create("close"));
      });
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  /** So that whoever comes sees whether who was there has gone. */
  private void takeOneConnection(boolean tls) {
    config.change(Kind.LISTENERS, tls ? "https" : "http", json -> json.put("maxConnections", 1));
    assertEquals(List.of(), config.commit(adapter));
  }

  private boolean isServed(boolean tls) {
    try {
      return get(tls, "/files/").statusCode() == 200;
    } catch (Exception e) {
      return false; // under TLS who is refused is told nothing
    }
  }

  private void assertAllIsGivenBack(boolean tls, int buffers) {
    await().atMost(30, SECONDS).until(() -> events(ClientEvent.TransferFinished.class).size() == 1);
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    await().atMost(30, SECONDS).until(() -> connections.list().isEmpty());
    await().atMost(30, SECONDS).until(() -> isServed(tls));
    assertEquals(buffers, countBuffers());
    assertEquals(1, events(ClientEvent.TransferFinished.class).size());
  }

  private void sendAndForget(boolean tls, String method, HttpRequest.BodyPublisher body) {
    Thread.startVirtualThread(() -> {
      try {
        send(request(tls, "/more").method(method, body));
      } catch (Exception e) {
        // What is looked at is the server.
      }
    });
  }

  /** Whatever the stream is still at uses the connection, so nothing of that is given back before. */
  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ifItsOwnThreadFails_theStreamIsWaitedFor_andAllIsGivenBack(boolean tls) throws Exception {
    Files.createDirectories(home());
    int buffers = countBuffers();
    takeOneConnection(tls);
    isHere = HttpDefectTest::isOwnThread;
    goesOn = new CountDownLatch(1);
    sendAndForget(tls, "PUT", HttpRequest.BodyPublishers.ofByteArray(random(LARGE)));
    assertTrue(failed.await(30, SECONDS));
    assertEquals(1, connections.list().size());
    assertFalse(isServed(tls));
    goesOn.countDown();
    assertAllIsGivenBack(tls, buffers);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ifTheStreamFails_whileItReceives_allIsGivenBack(boolean tls) throws Exception {
    Files.createDirectories(home());
    int buffers = countBuffers();
    takeOneConnection(tls);
    isHere = () -> !isOwnThread();
    sendAndForget(tls, "PUT", HttpRequest.BodyPublishers.ofInputStream(() -> new ByteArrayInputStream(random(LARGE))));
    assertAllIsGivenBack(tls, buffers);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void ifTheStreamFails_whileItSends_allIsGivenBack(boolean tls) throws Exception {
    Files.createDirectories(home());
    Files.write(home().resolve("a.bin"), random(100_000));
    int buffers = countBuffers();
    takeOneConnection(tls);
    isHere = () -> true;
    sendAndForget(tls, "GET", HttpRequest.BodyPublishers.noBody());
    assertAllIsGivenBack(tls, buffers);
  }
}
