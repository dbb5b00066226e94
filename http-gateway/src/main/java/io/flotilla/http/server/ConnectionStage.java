package io.flotilla.http.server;

import java.io.IOException;
import java.security.NoSuchAlgorithmException;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLSession;
import org.apache.pekko.stream.Attributes;
import org.apache.pekko.stream.FlowShape;
import org.apache.pekko.stream.Inlet;
import org.apache.pekko.stream.Outlet;
import org.apache.pekko.stream.TLSProtocol;
import org.apache.pekko.stream.stage.AbstractInHandler;
import org.apache.pekko.stream.stage.AbstractOutHandler;
import org.apache.pekko.stream.stage.AsyncCallback;
import org.apache.pekko.stream.stage.GraphStage;
import org.apache.pekko.stream.stage.GraphStageLogic;
import org.apache.pekko.util.ByteString;

/**
 * The place of TCP and TLS below Pekko HTTP's layer: what that sends is written by the connection at once, on this thread, and what
 * the connection's own thread has read comes in when it is asked for.
 */
final class ConnectionStage extends GraphStage<FlowShape<TLSProtocol.SslTlsOutbound, TLSProtocol.SslTlsInbound>> {
  private final Inlet<TLSProtocol.SslTlsOutbound> in = Inlet.create("connection.in");
  private final Outlet<TLSProtocol.SslTlsInbound> out = Outlet.create("connection.out");
  private final HttpConnection connection;
  private final SSLSession session;

  /** @param session of the connection, or {@link NoTls} */
  ConnectionStage(HttpConnection connection, SSLSession session) {
    this.connection = connection;
    this.session = session;
  }

  /** What stands for a session where there is none. */
  static final class NoTls {
    static final SSLSession SESSION = make();

    private NoTls() {}

    private static SSLSession make() {
      try {
        return SSLContext.getDefault().createSSLEngine().getSession();
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException("every Java platform has TLS", e);
      }
    }
  }

  /** What the connection's thread tells, in answer to each demand. */
  sealed interface Arrival {
    record Bytes(ByteString bytes) implements Arrival {}

    /** The client sends no more. */
    record End() implements Arrival {}

    record Broken(IOException why) implements Arrival {}
  }

  @Override
  public FlowShape<TLSProtocol.SslTlsOutbound, TLSProtocol.SslTlsInbound> shape() {
    return FlowShape.of(in, out);
  }

  @Override
  public GraphStageLogic createLogic(Attributes attributes) {
    return new Logic();
  }

  private final class Logic extends GraphStageLogic {
    Logic() {
      super(shape());
      setHandler(in, new AbstractInHandler() {
        @Override
        public void onPush() {
          try {
            if (grab(in) instanceof TLSProtocol.SendBytes send) {
              connection.write(send.bytes());
            }
            pull(in);
          } catch (IOException e) {
            failStage(e);
          }
        }

        @Override
        public void onUpstreamFinish() {
          completeStage();
        }
      });
      setHandler(out, new AbstractOutHandler() {
        @Override
        public void onPull() {
          connection.demand();
        }

        @Override
        public void onDownstreamFinish(Throwable cause) {
          // No more requests are wanted; a response may still be to come.
        }
      });
    }

    @Override
    public void preStart() {
      AsyncCallback<Arrival> arrived = createAsyncCallback(this::arrived);
      connection.streamStarted(arrived::invoke);
      pull(in);
    }

    private void arrived(Arrival arrival) {
      if (isClosed(out)) {
        return;
      }
      switch (arrival) {
        case Arrival.Bytes bytes -> push(out, new TLSProtocol.SessionBytes(session, bytes.bytes()));
        case Arrival.End _ -> complete(out);
        case Arrival.Broken broken -> failStage(broken.why());
      }
    }

    @Override
    public void postStop() {
      connection.streamEnded();
    }
  }
}
