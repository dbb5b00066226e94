package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.event.Author;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.http.server.PasswordChanges;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;

/** Users change their own passwords as an administrator would: by a change of the configuration, in whose history it stands. */
public final class UserPasswords implements PasswordChanges {
  private static final Duration COMMIT = Duration.ofSeconds(10);
  /** How long other nodes are waited for: one that doesn't know the new password yet would refuse the new session. */
  private static final Duration SPREAD = Duration.ofSeconds(10);
  private static final String COMMENT = "changed by the user";

  private final ConfigClient client;
  private final EntityInput input;
  private final LiveConfig live;

  public UserPasswords(ConfigClient client, EntityInput input, LiveConfig live) {
    this.client = client;
    this.input = input;
    this.live = live;
  }

  @Override
  public CompletionStage<Outcome> change(String user, long version, String password, InetAddress address) {
    EntityKey key = EntityKey.of(Kind.USERS, user);
    ConfigClient.Request request = new ConfigClient.Request(UUID.randomUUID().toString(),
        new Author(user, address.getHostAddress(), live.view().node().name()), COMMENT, false, false);
    return input.prepare(key, EntityCodec.JSON.createObjectNode().put("password", password), false)
        .thenCompose(prepared -> prepared.errors().isEmpty()
            ? client.submit(request, List.of(patch(key, prepared.document(), version)), COMMIT).thenCompose(this::told)
            : CompletableFuture.<Outcome>completedFuture(new Outcome.Refused(prepared.errors().getFirst().detail())))
        .exceptionally(UserPasswords::failed);
  }

  private static Operation patch(EntityKey key, ObjectNode document, long version) {
    return new Operation(
        Operation.Action.PATCH, key.kind(), key.name(), document.toString().getBytes(StandardCharsets.UTF_8), version);
  }

  private CompletionStage<Outcome> told(ConfigPrimary.SubmitReply reply) {
    return switch (reply) {
      case ConfigPrimary.Committed committed -> applied(committed.version());
      case ConfigPrimary.Unchanged unchanged -> applied(unchanged.version());
      case ConfigPrimary.Refused(var _, var refusal) -> CompletableFuture.completedFuture(new Outcome.Refused(
          refusal.reason() == Refusal.Reason.STALE ? "an administrator has changed this user just now; try again" : refusal.detail()));
      case ConfigPrimary.Busy busy -> CompletableFuture.completedFuture(new Outcome.Unavailable(busy.detail()));
      case ConfigPrimary.WouldCommit _, ConfigPrimary.PartTaken _ ->
          throw new IllegalStateException("neither a trial nor a part was sent");
    };
  }

  /** The password is changed; that a node is slow to hear of it makes no difference to that. */
  private CompletionStage<Outcome> applied(long version) {
    return live.awaitVersion(version, SPREAD).handle((_, _) -> version)
        .thenCompose(known -> client.awaitApplied(known, SPREAD)).handle((_, _) -> new Outcome.Changed());
  }

  private static Outcome failed(Throwable failure) {
    Throwable cause = failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure;
    return switch (cause) {
      case ConfigClient.PrimaryUnavailableException e -> new Outcome.Unavailable(
          "no password can be changed at the moment: " + e.getMessage() + ". Try again later");
      case PasswordHasher.HasherBusyException e -> new Outcome.Unavailable(e.getMessage());
      case ConfigClient.OutcomeUnknownException _ -> new Outcome.Unknown(
          "no answer came; sign in with the new password, and if that is refused with the old one");
      default -> throw new CompletionException(cause);
    };
  }
}
