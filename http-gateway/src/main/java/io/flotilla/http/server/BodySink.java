package io.flotilla.http.server;

import java.io.EOFException;
import java.io.IOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.SinkShape;
import org.apache.pekko.stream.stage.AbstractGraphStageWithMaterializedValue;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;

/** Takes the body of a request to a file; it lets the connection's thread do so, as far as it can. */
final class BodySink extends AbstractGraphStageWithMaterializedValue<SinkShape<ByteString>, CompletionStage<Long>> {
  private final Inlet<ByteString> in = Inlet.create("body.in");
  private final HttpConnection connection;
  private final IncomingBody body;
  private final boolean isLengthKnown;

  BodySink(HttpConnection connection, IncomingBody body, boolean isLengthKnown) {
    this.connection = connection;
    this.body = body;
    this.isLengthKnown = isLengthKnown;
  }

  @Override
  public SinkShape<ByteString> shape() {
    return SinkShape.of(in);
  }

  @Override
  public Pair<GraphStageLogic, CompletionStage<Long>> createLogicAndMaterializedValuePair(Attributes attributes) {
    CompletableFuture<Long> done = new CompletableFuture<>();
    return Pair.create(new Logic(done), done);
  }

  private final class Logic extends GraphStageLogic {
    private final CompletableFuture<Long> done;
    private long received;

    Logic(CompletableFuture<Long> done) {
      super(shape());
      this.done = done;
      setHandler(in, new AbstractInHandler() {
        @Override
        public void onPush() {
          ByteString bytes = grab(in);
          try {
            connection.disarm();
            connection.pause(body.take(bytes));
          } catch (IOException e) {
            breakOff(e);
            return;
          }
          received += bytes.size();
          more();
        }

        @Override
        public void onUpstreamFinish() {
          connection.bodyEnded();
          body.stop();
          done.complete(received);
          completeStage();
        }

        @Override
        public void onUpstreamFailure(Throwable failure) {
          fail(new IOException("the body of the request broke off", failure));
          completeStage();
        }
      });
    }

    @Override
    public void preStart() {
      AsyncCallback<IOException> failed = createAsyncCallback(this::breakOff);
      connection.bodyBegan(failed::invoke,
          () -> fail(new EOFException("the connection ended before the request was whole")));
      more();
    }

    /** The rest is the connection's thread's, unless some of it has been read already. */
    private void more() {
      if (isLengthKnown && body.isOpen()) {
        connection.arm(body);
      }
      pull(in);
    }

    private void breakOff(IOException failure) {
      fail(failure);
      cancel(in, failure);
      completeStage();
    }

    private void fail(IOException failure) {
      if (!done.isDone()) {
        connection.bodyEnded();
        body.stop();
        done.completeExceptionally(failure);
      }
    }

    @Override
    public void postStop() {
      fail(new EOFException("the connection ended before the request was whole"));
    }
  }
}
