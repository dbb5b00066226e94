package io.flotilla.http.server;

import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.SourceShape;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;

/** Puts the stand-ins of a file into the stream of a response. */
final class FileSource extends GraphStage<SourceShape<ByteString>> {
  private final Outlet<ByteString> out = Outlet.create("file.out");
  private final OutgoingFile file;

  FileSource(OutgoingFile file) {
    this.file = file;
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
            push(out, file.next());
            if (file.isHandedOut()) {
              complete(out);
            }
          }
        });
      }

      /** After the last stand-in this comes before that is sent. */
      @Override
      public void postStop() {
        if (!file.isHandedOut()) {
          file.giveUp();
        }
      }
    };
  }
}
