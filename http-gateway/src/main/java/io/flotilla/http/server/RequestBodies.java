package io.flotilla.http.server;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.http.RefusedException;
import io.flotilla.vfs.OpenFile;
import java.io.ByteArrayOutputStream;
import java.util.OptionalLong;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.StreamLimitReachedException;
import org.apache.pekko.stream.javadsl.Sink;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** The bodies of one request and its response, on a connection. */
final class RequestBodies implements FileBodies {
  private final HttpConnection connection;
  private final ConnectionOutput output;
  private final Materializer materializer;

  /** @param output of the connection */
  RequestBodies(HttpConnection connection, ConnectionOutput output, Materializer materializer) {
    this.connection = connection;
    this.output = output;
    this.materializer = materializer;
  }

  @Override
  public ResponseEntity send(ContentType type, OpenFile file, long offset, long length, Transfer account) {
    if (length == 0) {
      file.abandon();
      account.ended(ClientEvent.Outcome.COMPLETED);
      return HttpEntities.create(type, ByteString.emptyByteString());
    }
    OutgoingFile outgoing = new OutgoingFile(file, offset, length, account);
    output.send(outgoing);
    return HttpEntities.create(type, length, Source.fromGraph(new FileSource(outgoing)));
  }

  @Override
  public ResponseEntity produce(ContentType type, ProducedBody body) {
    output.send(body);
    return HttpEntities.createChunked(type, Source.fromGraph(new ProducedSource(output, body)));
  }

  @Override
  public CompletionStage<Long> receive(HttpRequest request, OpenFile file, long offset, Transfer account) {
    OptionalLong length = request.entity().getContentLengthOption();
    IncomingBody body = new IncomingBody(file, offset, length.orElse(Long.MAX_VALUE), account);
    return request.entity().getDataBytes().runWith(
        Sink.fromGraph(new BodySink(connection, body, length.isPresent())), materializer);
  }

  @Override
  public CompletionStage<Collected> collect(HttpRequest request, int most) {
    RefusedException tooLarge = RefusedException.tooLarge("the body is larger than " + most + " bytes");
    if (request.entity().getContentLengthOption().orElse(0) > most) {
      return CompletableFuture.completedFuture(new Collected.Refused(tooLarge));
    }
    connection.bodyBegan(_ -> { }, () -> { });
    return request.entity().getDataBytes().limitWeighted(most, bytes -> (long) bytes.size())
        .runFold(new ByteArrayOutputStream(), (all, bytes) -> {
          all.writeBytes(bytes.toArray());
          return all;
        }, materializer)
        .handle((all, failure) -> {
          connection.bodyEnded();
          return failure == null ? new Collected.Whole(ByteString.fromArray(all.toByteArray()))
              : new Collected.Refused(isTooLong(failure) ? tooLarge : RefusedException.malformed("the body ended before it was whole"));
        });
  }

  private static boolean isTooLong(Throwable failure) {
    return failure instanceof StreamLimitReachedException || failure.getCause() instanceof StreamLimitReachedException;
  }
}
