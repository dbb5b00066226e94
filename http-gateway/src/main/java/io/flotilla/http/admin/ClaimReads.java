package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.claim.ClaimKeeper;
import io.flotilla.claim.event.Claim;
import io.flotilla.config.model.EntityCodec;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.HttpResponse;

/** Lists what is held by only one: leases on uploads, locks, used one-time codes. */
final class ClaimReads {
  private static final Duration TIMEOUT = Duration.ofSeconds(2);

  private final AdminContext context;

  ClaimReads(AdminContext context) {
    this.context = context;
  }

  CompletionStage<HttpResponse> list(RequestParameters parameters) {
    int limit = (int) parameters.number("limit", 1, ClaimKeeper.MAX_LISTED, ClaimKeeper.MAX_LISTED);
    return context.claims().find(parameters.text("prefix").orElse(""), parameters.text("after").orElse(""), limit, TIMEOUT).thenApply(found -> {
      ObjectNode json = EntityCodec.JSON.createObjectNode();
      ArrayNode items = json.putArray("items");
      for (int i = 0; i < found.claims().size(); i++) {
        Claim claim = found.claims().get(i);
        items.addObject().put("key", claim.key()).put("holder", claim.holder()).put("number", claim.number())
            .put("remainingMilliseconds", Math.max(0, found.remainingMilliseconds().get(i)));
      }
      json.put("next", found.claims().size() == limit || found.more() ? found.claims().getLast().key() : null);
      return Responses.json(200, json);
    });
  }
}
