package io.flotilla.node.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import java.io.IOException;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Lets another node into the cluster. */
@Command(name = "join-token", description = "Makes a token by which one node can join the cluster, once.", mixinStandardHelpOptions = true)
final class JoinTokenCommand implements Callable<Integer> {
  @Mixin private AdminOptions options;

  @Option(names = "--time", paramLabel = "TIME", description = "How long it can be used, such as 30m; default: 1h, at most 7d.")
  private String time;

  @Option(names = "--address", paramLabel = "URL",
      description = "Where the new node reaches the admin API of a node of the cluster; default: the address of the node that is asked.")
  private List<String> addresses;

  @Option(names = "--revoke", paramLabel = "ID", description = "Makes a token as good as used, by the id that was told with it.")
  private String revoked;

  @Override
  public Integer call() throws IOException {
    if (revoked != null) {
      options.client().send("DELETE", "/api/v1/join-tokens/" + AdminClient.encode(revoked), Optional.empty()).orFail();
      System.out.println(revoked + " can't be used any more");
      return 0;
    }
    ObjectNode body = EntityCodec.JSON.createObjectNode();
    Optional.ofNullable(time).ifPresent(value -> body.put("time", value));
    Optional.ofNullable(addresses).ifPresent(all -> all.forEach(body.withArray("addresses")::add));
    JsonNode answer = options.client().send("POST", "/api/v1/join-tokens", Optional.of(body.toString())).orFail().body();
    System.out.println(options.isJson() ? answer.toPrettyString() : answer.path("token").asText());
    if (!options.isJson()) {
      System.err.println("It can be used once, until " + answer.path("expiresAt").asText() + ". On the new machine:\n"
          + "  flotilla node --name NAME --bind ITS-ADDRESS:20001 --data DIR --join-token-file FILE\n"
          + "Nobody can use it any more after: flotilla join-token --revoke " + answer.path("id").asText());
    }
    return 0;
  }
}
