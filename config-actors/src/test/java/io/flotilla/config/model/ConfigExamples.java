package io.flotilla.config.model;

import io.flotilla.config.event.Author;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.EntityChange;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;

/** Configurations and changes that tests of several packages start from. */
public final class ConfigExamples {
  public static final ClusterKey KEY = ClusterKey.generate();
  public static final SecretSealer SEALER = new SecretSealer(KEY);
  public static final EntityCodec CODEC = new EntityCodec(SEALER);
  public static final Author AUTHOR = new Author("admin", "127.0.0.1", "node-1");

  private ConfigExamples() {}

  public static Operation put(String kind, String name, String json) {
    return put(kind, name, json, Operation.ANY);
  }

  public static Operation put(String kind, String name, String json, long ifVersion) {
    return new Operation(
        Operation.Action.PUT, kind, name, json.getBytes(StandardCharsets.UTF_8), ifVersion);
  }

  public static Operation patch(String kind, String name, String json) {
    return new Operation(
        Operation.Action.PATCH, kind, name, json.getBytes(StandardCharsets.UTF_8), Operation.ANY);
  }

  public static Operation delete(String kind, String name) {
    return new Operation(Operation.Action.DELETE, kind, name, null, Operation.ANY);
  }

  /** A storage, a host key and a listener: what a new cluster has. */
  public static ClusterConfig initial() {
    EntityKey key = EntityKey.of(Kind.HOST_KEYS, "ed25519");
    String sealed = SEALER.seal(key, "privateKey", "-----BEGIN-----");
    return commit(ClusterConfig.EMPTY, List.of(
        put("storages", "main", "{\"path\":\"/srv/files\"}"),
        put("host-keys", "ed25519", "{\"algorithm\":\"ed25519\",\"privateKey\":{\"$sealed\":\"" + sealed + "\"}}"),
        put("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":2022}")));
  }

  /** Commits operations that must be good. */
  public static ClusterConfig commit(ClusterConfig config, List<Operation> operations) {
    return config.apply(event(config, operations), CODEC);
  }

  public static ConfigChanged event(ClusterConfig config, List<Operation> operations) {
    return switch (new ConfigEditor(CODEC).edit(config, operations)) {
      case ConfigEditor.Edited edited -> event(config.version() + 1, edited.changes(), edited.config().digest());
      case ConfigEditor.Refused refused -> throw new AssertionError(refused.refusal().toString());
    };
  }

  private static ConfigChanged event(long version, List<EntityChange> changes, ConfigDigest digest) {
    return new ConfigChanged(
        version, "change-" + version, Instant.EPOCH, AUTHOR, "", changes, digest.toString());
  }

  public static Refusal refusal(ClusterConfig config, Operation... operations) {
    return switch (new ConfigEditor(CODEC).edit(config, List.of(operations))) {
      case ConfigEditor.Edited edited -> throw new AssertionError("accepted: " + edited.changes());
      case ConfigEditor.Refused refused -> refused.refusal();
    };
  }
}
