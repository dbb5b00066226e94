package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.fasterxml.jackson.databind.JsonNode;
import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.adapter.TestTransfers;
import io.flotilla.adapter.Transfer;
import io.flotilla.adapter.TransferLog;
import io.flotilla.auth.Credential;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import io.flotilla.http.RequestPath;
import io.flotilla.http.server.FileBodies;
import io.flotilla.http.server.ProducedBody;
import io.flotilla.http.server.UserRequest;
import io.flotilla.http.server.UserRequests;
import io.flotilla.vfs.ActiveUploads;
import io.flotilla.vfs.Links;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.PublishingFileSystem;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.UnaryOperator;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpEntity;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpMethod;
import org.apache.pekko.http.javadsl.model.HttpMethods;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.RequestEntityAcceptances;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.util.ByteString;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.io.TempDir;

/** An API on a real directory, with bodies that are moved at once. */
public abstract class FilesFixture {
  @TempDir protected Path root;
  protected final List<ClientEvent.TransferFinished> transfers = new ArrayList<>();
  /** After how many bytes the bodies of requests break off. */
  protected int breaksAfter = Integer.MAX_VALUE;
  /** Why the last body that was produced has no end. */
  protected IOException brokenOff;
  protected final List<Long> pauses = new ArrayList<>();
  /** Whether the connection has been ended. */
  protected boolean isOver;
  /** What stands between the API and the directory. */
  protected UnaryOperator<VirtualFileSystem> storage = UnaryOperator.identity();

  private final LoginResult.Granted login = login();
  private final ActiveUploads uploads = new ActiveUploads();
  private final LiveConnections connections = new LiveConnections(Clock.systemUTC());
  private final TransferLog log = TestTransfers.of(connections.open("https", "ann", "192.0.2.1", _ -> { }), "https",
      event -> transfers.add((ClientEvent.TransferFinished) event));

  private static LoginResult.Granted login() {
    TestConfiguration config = new TestConfiguration();
    config.put(Kind.USERS, "ann", json -> { }).commit();
    User ann = config.view().user("ann").orElseThrow();
    return new LoginResult.Granted(ann, new Credential.PublicKey("a key"), config.view().access(ann),
        new Origin(Listener.Protocol.HTTP, InetAddress.getLoopbackAddress()));
  }

  /** What is asked. */
  protected UserRequests api() {
    return new FilesApi();
  }

  @AfterEach
  protected void everyTransferHasEnded() {
    assertFalse(connections.list().getFirst().transfer().isPresent());
  }

  protected List<String> transferred() {
    return transfers.stream().map(event -> event.path() + " " + event.direction() + " " + event.outcome()).toList();
  }

  protected static HttpRequest request(String method, String target, String... headers) {
    HttpMethod known = HttpMethods.lookup(method)
        .orElseGet(() -> HttpMethods.custom(method, false, true, RequestEntityAcceptances.Expected));
    List<HttpHeader> list = new ArrayList<>();
    for (int i = 0; i < headers.length; i += 2) {
      list.add(RawHeader.create(headers[i], headers[i + 1]));
    }
    return HttpRequest.create(target).withMethod(known).addHeaders(list);
  }

  protected HttpResponse ask(String method, String target, String... headers) {
    return ask(request(method, target, headers), target);
  }

  protected HttpResponse put(String target, String body, String... headers) {
    return ask(request("PUT", target, headers).withEntity(body), target);
  }

  protected HttpResponse ask(HttpRequest http, String target) {
    try (VirtualFileSystem files = storage.apply(
        new PublishingFileSystem(VirtualFileSystem.open(root), Links.FOLLOW, "ann", uploads))) {
      return api().handle(new UserRequest(http, RequestPath.ofTarget(target), login, files, log, new WholeBodies(), null, () -> isOver))
          .toCompletableFuture().join();
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  protected static int status(HttpResponse response) {
    return response.status().intValue();
  }

  protected static String header(HttpResponse response, String name) {
    return response.getHeader(name).map(HttpHeader::value).orElse(null);
  }

  protected static String body(HttpResponse response) {
    return ((HttpEntity.Strict) response.entity()).getData().utf8String();
  }

  protected static JsonNode json(HttpResponse response) {
    try {
      return EntityCodec.JSON.readTree(body(response));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  protected static void assertProblem(int status, HttpResponse response) {
    assertEquals(status, status(response));
    assertEquals("application/problem+json", response.entity().getContentType().mediaType().toString());
    assertEquals(status, json(response).get("status").intValue());
    assertEquals("nosniff", header(response, "X-Content-Type-Options"));
  }

  protected Path write(String name, String text) {
    try {
      Files.createDirectories(root.resolve(name).getParent());
      return Files.writeString(root.resolve(name), text);
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  protected String read(String name) {
    try {
      return Files.readString(root.resolve(name));
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** All that is in the root, hidden names too. */
  protected int entries() {
    return root.toFile().list().length;
  }

  private final class WholeBodies implements FileBodies {
    @Override
    public ResponseEntity send(ContentType type, OpenFile file, long offset, long length, Transfer account) {
      ByteBuffer buffer = ByteBuffer.allocate((int) length);
      try {
        while (buffer.hasRemaining() && file.read(buffer, offset + buffer.position()) > 0) {
          account.moved(offset, length);
        }
        file.close();
      } catch (VfsException e) {
        throw new AssertionError(e);
      }
      account.ended(ClientEvent.Outcome.COMPLETED);
      return HttpEntities.create(type, ByteString.fromArray(buffer.array()));
    }

    /** The parts up to where it fails, if it does. */
    @Override
    public ResponseEntity produce(ContentType type, ProducedBody body) {
      ByteString all = ByteString.emptyByteString();
      try (body) {
        for (ByteString part = body.next(pauses::add); !part.isEmpty(); part = body.next(pauses::add)) {
          all = all.concat(part);
        }
      } catch (IOException e) {
        brokenOff = e;
      }
      return HttpEntities.create(type, all);
    }

    @Override
    public CompletionStage<ByteString> read(HttpRequest request, int most) {
      ByteString data = ((HttpEntity.Strict) request.entity()).getData();
      return data.size() > breaksAfter
          ? CompletableFuture.failedFuture(new IOException("cut")) : CompletableFuture.completedFuture(data);
    }

    @Override
    public CompletionStage<Long> receive(HttpRequest request, OpenFile file, long offset, Transfer account) {
      ByteString data = ((HttpEntity.Strict) request.entity()).getData();
      try {
        file.write(data.take(breaksAfter).toByteBuffer(), offset);
        account.moved(offset, Math.min(data.size(), breaksAfter));
      } catch (VfsException e) {
        return CompletableFuture.failedFuture(e);
      }
      return data.size() > breaksAfter
          ? CompletableFuture.failedFuture(new IOException("cut")) : CompletableFuture.completedFuture((long) data.size());
    }
  }
}
