package io.flotilla.http.server;

import java.io.IOException;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;

/** Makes the body of a response as it is asked for. */
final class ProducedSource extends GraphStage<SourceShape<ByteString>> {
  private final Outlet<ByteString> out = Outlet.create("produced.out");
  private final HttpConnection connection;
  private final ProducedBody body;

  ProducedSource(HttpConnection connection, ProducedBody body) {
    this.connection = connection;
    this.body = body;
  }

  @Override
  public SourceShape<ByteString> shape() {
    return SourceShape.of(out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new GraphStageLogic(shape()) {
      {
        setHandler(out, new AbstractOutHandler() {
          @Override
          public void onPull() {
            try {
              ByteString part = connection.produce(body);
              if (part.isEmpty()) {
                complete(out);
              } else {
                push(out, part);
              }
            } catch (IOException e) {
              connection.breakOff();
              complete(out); // its last chunk doesn't go out any more
            }
          }
        });
      }

      @Override
      public void postStop() {
        connection.endProduced(body);
      }
    };
  }
}
