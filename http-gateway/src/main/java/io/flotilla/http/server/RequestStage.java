package io.flotilla.http.server;

import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.headers.Connection;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.stream.stage.TimerGraphStageLogic;

/**
 * Serves one request after the other on the connection's thread, and ends the connection between two of them. One that is to end while
 * it is idle waits a moment for a request that may be on its way.
 */
final class RequestStage extends GraphStage<FlowShape<HttpRequest, HttpResponse>> {
  private final Inlet<HttpRequest> in = Inlet.create("requests.in");
  private final Outlet<HttpResponse> out = Outlet.create("requests.out");
  private static final String ENDING = "ending";
  private final HttpConnection connection;

  RequestStage(HttpConnection connection) {
    this.connection = connection;
  }

  private sealed interface Outcome {
    record Answered(HttpResponse response) implements Outcome {}

    record Failed(Throwable defect) implements Outcome {}
  }

  @Override
  public FlowShape<HttpRequest, HttpResponse> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends TimerGraphStageLogic {
    private AsyncCallback<Outcome> answered;
    private boolean isBusy;
    private boolean isLast;

    Logic() {
      super(shape());
      setHandler(in, new AbstractInHandler() {
        @Override
        public void onPush() {
          isBusy = true;
          connection.began();
          // Only here streams can be run on this very thread.
          CompletionStage<HttpResponse> response = connection.serve(grab(in), subFusingMaterializer());
          response.whenComplete((value, failure) -> answered.invoke(
              failure == null ? new Outcome.Answered(value) : new Outcome.Failed(failure)));
        }

        @Override
        public void onUpstreamFinish() {
          if (isBusy) {
            isLast = true;
          } else {
            completeStage();
          }
        }
      });
      setHandler(out, new AbstractOutHandler() {
        @Override
        public void onPull() {
          next();
        }
      });
    }

    @Override
    public void preStart() {
      answered = createAsyncCallback(this::answered);
      AsyncCallback<Boolean> end = createAsyncCallback(_ -> {
        if (isBusy) {
          isLast = true;
        } else {
          scheduleOnce(ENDING, connection.endingGrace());
        }
      });
      AsyncCallback<Boolean> sent = createAsyncCallback(_ -> {
        if (isAvailable(out)) {
          next();
        }
      });
      connection.requestsStarted(() -> end.invoke(true), () -> sent.invoke(true));
    }

    @Override
    public void onTimer(Object timer) {
      if (!isBusy) {
        completeStage(); // of a response that is on its way the rest still goes out
      }
    }

    /** Pekko asks as soon as a response is on its way; what the next request needs may be in use until it has gone out. */
    private void next() {
      if (!isBusy && !connection.isSending() && !hasBeenPulled(in) && !isClosed(in)) {
        connection.isIdle();
        pull(in);
      }
    }

    private void answered(Outcome outcome) {
      isBusy = false;
      switch (outcome) {
        case Outcome.Failed failed -> failStage(failed.defect());
        case Outcome.Answered answer -> {
          boolean ends = isLast || connection.isEnding();
          push(out, ends ? answer.response().addHeader(Connection.create("close")) : answer.response());
          if (ends) {
            completeStage();
          }
        }
      }
    }
  }
}
