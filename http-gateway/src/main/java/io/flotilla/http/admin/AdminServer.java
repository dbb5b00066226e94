package io.flotilla.http.admin;

import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.actor.typed.ActorSystem;
import org.apache.pekko.http.javadsl.Http;
import org.apache.pekko.http.javadsl.ServerBinding;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.SystemMaterializer;

/** The HTTP listener of the admin API. It runs in the node's local actor system, apart from the clustered one. */
public final class AdminServer {
  private final ServerBinding binding;

  private AdminServer(ServerBinding binding) {
    this.binding = binding;
  }

  /** Opens the listener; the stage fails with a BindException's message if the address is taken. */
  public static CompletionStage<AdminServer> open(ActorSystem<?> system, String host, int port, AdminContext context) {
    Materializer materializer = SystemMaterializer.get(system).materializer();
    AdminApi api = new AdminApi(context, materializer);
    return Http.get(system).newServerAt(host, port).bind(api::handle).thenApply(AdminServer::new);
  }

  public int port() {
    return binding.localAddress().getPort();
  }

  /** Lets running requests end until the deadline. */
  public CompletionStage<?> close(Duration deadline) {
    return binding.terminate(deadline);
  }
}
