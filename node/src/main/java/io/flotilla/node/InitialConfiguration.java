package io.flotilla.node;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.cluster.ConfigPrimary;
import io.flotilla.config.event.Author;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.PrivateFile;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.sftp.HostKeyGenerator;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The first change of a new cluster: an admin with a token, an SSH host key, a storage and an SFTP listener, so that the
 * first user is all that is missing. Made by the forming node, once, under a fixed id, so that a crash in between repeats
 * it harmlessly.
 */
final class InitialConfiguration {
  private static final Logger log = LoggerFactory.getLogger(InitialConfiguration.class);
  private static final String CHANGE_ID = "initial-configuration";
  private static final Duration TIMEOUT = Duration.ofSeconds(10);
  private static final int TOKEN_BYTES = 32;

  private final NodeSettings settings;
  private final DataDirectory data;
  private final EntityCodec codec;
  private final LiveConfig live;
  private final ConfigClient client;

  InitialConfiguration(
      NodeSettings settings, DataDirectory data, EntityCodec codec, LiveConfig live, ConfigClient client) {
    this.settings = settings;
    this.data = data;
    this.codec = codec;
    this.live = live;
    this.client = client;
  }

  /** Whether this node formed a cluster that has no configuration yet, as far as this node knows. */
  boolean isDue() {
    return !data.isInitialized() && live.view().config().version() == 0 && Files.exists(data.adminTokenFile());
  }

  /** Makes the admin token of a cluster to be formed. */
  static void makeToken(DataDirectory data) throws IOException {
    byte[] token = new byte[TOKEN_BYTES];
    new SecureRandom().nextBytes(token);
    PrivateFile.write(data.adminTokenFile(), Base64.getUrlEncoder().withoutPadding().encodeToString(token) + "\n");
  }

  /** Submits the change until it is committed; blocks. */
  void submit() throws IOException, InterruptedException {
    List<Operation> operations = operations(Files.readString(data.adminTokenFile()).strip());
    while (isDue()) {
      try {
        ConfigPrimary.SubmitReply reply = client.submit(new ConfigClient.Request(CHANGE_ID,
            new Author("system", "local", settings.name()), "the first configuration of this cluster", false, true),
            operations, TIMEOUT).toCompletableFuture().get(TIMEOUT.toSeconds() * 2, TimeUnit.SECONDS);
        if (reply instanceof ConfigPrimary.Refused refused) {
          log.error("The first configuration was refused: {}", refused.refusal().detail());
        }
        live.awaitVersion(1, TIMEOUT).toCompletableFuture().get(TIMEOUT.toSeconds() * 2, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        log.debug("The first configuration is not committed yet", e);
        TimeUnit.MILLISECONDS.sleep(100);
      }
    }
    data.keepInitialized();
  }

  private List<Operation> operations(String token) throws IOException {
    EntityKey admin = EntityKey.of(Kind.ADMINS, "admin");
    ObjectNode adminJson = EntityCodec.JSON.createObjectNode().put("role", "admin");
    codec.putSecret(adminJson, admin, "tokenHash", ClusterKey.hashToken(token));

    EntityKey hostKey = EntityKey.of(Kind.HOST_KEYS, "ed25519");
    HostKeyGenerator.HostKeyText key = HostKeyGenerator.generate(HostKeyGenerator.Algorithm.ED25519);
    ObjectNode keyJson = EntityCodec.JSON.createObjectNode()
        .put("algorithm", HostKeyGenerator.Algorithm.ED25519.id()).put("fingerprint", key.fingerprint());
    codec.putSecret(keyJson, hostKey, "privateKey", key.privateKey());

    NodeSettings.Initial initial = settings.initial();
    Path path = initial.storagePath().isEmpty()
        ? Files.createDirectories(data.path().resolveSibling("files"))
        : Path.of(initial.storagePath()).toAbsolutePath().normalize();
    ObjectNode storage = EntityCodec.JSON.createObjectNode().put("path", path.toString()).put("shared", initial.storageShared());
    ObjectNode listener = EntityCodec.JSON.createObjectNode().put("protocol", "sftp").put("port", initial.sftpPort());
    listener.putObject("ssh").putArray("hostKeys").add("ed25519");
    return List.of(
        put(admin, adminJson),
        put(hostKey, keyJson),
        put(EntityKey.of(Kind.STORAGES, "main"), storage),
        put(EntityKey.of(Kind.LISTENERS, "sftp"), listener));
  }

  private static Operation put(EntityKey key, ObjectNode document) {
    return new Operation(Operation.Action.PUT, key.kind(), key.name(),
        document.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8), Operation.ABSENT);
  }
}
