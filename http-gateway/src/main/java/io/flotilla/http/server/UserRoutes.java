package io.flotilla.http.server;

import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestPath;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/**
 * Who serves which paths. Immutable.
 *
 * @param roots by the path at and beneath which each serves; none of them lies beneath another
 */
public record UserRoutes(Map<String, UserRequests> roots) implements UserRequests {
  public UserRoutes {
    roots = Map.copyOf(roots);
  }

  @Override
  public boolean changes(HttpRequest request) {
    return server(RequestPath.of(request)).map(server -> server.changes(request))
        .orElseGet(() -> UserRequests.super.changes(request));
  }

  @Override
  public CompletionStage<HttpResponse> handle(UserRequest request) {
    return server(request.path()).map(server -> server.handle(request))
        .orElseGet(() -> CompletableFuture.completedFuture(UnreadBody.leftBy(request.http(), request.materializer(),
            RefusedException.notFound("this server has nothing at that path").toResponse())));
  }

  private Optional<UserRequests> server(String path) {
    return roots.entrySet().stream().filter(root -> RequestPath.isBeneath(root.getKey(), path)).findAny().map(Map.Entry::getValue);
  }
}
