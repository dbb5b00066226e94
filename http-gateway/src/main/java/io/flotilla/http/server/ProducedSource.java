package io.flotilla.http.server;

import java.io.IOException;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Makes the body of a response as it is asked for. */
final class ProducedSource extends GraphStage<SourceShape<ByteString>> {
  private static final Logger log = LoggerFactory.getLogger(ProducedSource.class);
  private final Outlet<ByteString> out = Outlet.create("produced.out");
  private final ConnectionOutput output;
  private final ProducedBody body;

  ProducedSource(ConnectionOutput output, ProducedBody body) {
    this.output = output;
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
              ByteString part = output.produce(body);
              if (part.isEmpty()) {
                complete(out);
              } else {
                push(out, part);
              }
            } catch (IOException e) {
              output.breakOff();
              complete(out); // its last chunk doesn't go out any more
            } catch (RuntimeException e) {
              log.error("The body of a response failed by a defect", e);
              output.breakOff();
              complete(out);
            }
          }
        });
      }

      @Override
      public void postStop() {
        output.endProduced(body);
      }
    };
  }
}
