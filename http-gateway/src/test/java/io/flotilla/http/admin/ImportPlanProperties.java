package io.flotilla.http.admin;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.sftp.HostKeyGenerator;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import net.jqwik.api.Example;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import net.jqwik.api.constraints.StringLength;

/** An export and the import of it are each other's inverse. */
class ImportPlanProperties {
  private static final EntityCodec CODEC = new EntityCodec(new SecretSealer(ClusterKey.generate()));
  private static final HostKeyGenerator.HostKeyText HOST_KEY =
      HostKeyGenerator.generate(HostKeyGenerator.Algorithm.of("ed25519"));

  @Property(tries = 60)
  void sealedExport_intoAnEmptyConfiguration_givesTheSameDigest(
      @ForAll @Size(max = 25) List<@IntRange(max = 63) Integer> steps, @ForAll @StringLength(max = 12) String text)
      throws IOException {
    ClusterConfig config = evolve(steps, text);

    ImportPlan plan = plan(ClusterConfig.EMPTY, export(config, true));

    assertEquals(digest(config), digest(apply(ClusterConfig.EMPTY, plan)));
  }

  @Property(tries = 60)
  void export_ontoItself_isAnEmptyPlan(@ForAll @Size(max = 25) List<@IntRange(max = 63) Integer> steps,
      @ForAll boolean sealed, @ForAll @StringLength(max = 12) String text) throws IOException {
    ClusterConfig config = evolve(steps, text);

    ImportPlan plan = plan(config, export(config, sealed));

    assertEquals(List.of(), plan.operations());
  }

  @Property(tries = 60)
  void export_ontoAnother_makesThatEqual_andThenTheresNothingMoreToDo(
      @ForAll @Size(max = 25) List<@IntRange(max = 63) Integer> steps,
      @ForAll @Size(max = 25) List<@IntRange(max = 63) Integer> others, @ForAll @StringLength(max = 12) String text)
      throws IOException {
    ClusterConfig config = evolve(steps, text);
    byte[] document = export(config, true);

    ClusterConfig other = apply(evolve(others, ""), plan(evolve(others, ""), document));

    assertEquals(config.entities().keySet(), other.entities().keySet());
    assertEquals(List.of(), plan(other, document).operations());
    config.entities().forEach((key, stored) -> assertEquals(stored.entity(), other.stored(key).orElseThrow().entity()));
  }

  @Example
  void exportWithoutSecrets_hasNoneOfANewerRelease_andIsAnEmptyPlan() throws IOException {
    String sealed = "{\"$sealed\":\"1.x.y\"}";
    ClusterConfig config = ClusterConfig.of(7, List.of(
        newer("storages", "main", "{\"path\":\"/srv\"}", ""),
        newer("users", "nova", "{\"otp\":{\"keys\":[%1$s,{\"key\":%1$s}],\"type\":\"totp\"},\"pin\":%1$s}", sealed),
        newer("vaults", "main", "{\"door\":{\"key\":%1$s}}", sealed)), CODEC);

    String text = new String(export(config, false), StandardCharsets.UTF_8);

    assertFalse(text.contains("$sealed"), text);
    assertTrue(text.contains("totp") && text.contains("door"), text);
    assertTrue(new String(export(config, true), StandardCharsets.UTF_8).contains("$sealed"));
    assertEquals(List.of(), plan(config, text.getBytes(StandardCharsets.UTF_8)).operations());
    ImportPlan edited = plan(config, text.replace("\"otp\"", "\"enabled\" : false, \"otp\"").getBytes(StandardCharsets.UTF_8));
    assertEquals(1, edited.operations().size());
    assertEquals("{\"enabled\":false," + new String(config.stored(EntityKey.of(Kind.USERS, "nova")).orElseThrow().document(),
        StandardCharsets.UTF_8).substring(1), new String(apply(config, edited).stored(EntityKey.of(Kind.USERS, "nova"))
        .orElseThrow().document(), StandardCharsets.UTF_8));
  }

  private static StoredDocument newer(String kind, String name, String json, String sealed) {
    return new StoredDocument(kind, name, 7, json.formatted(sealed).getBytes(StandardCharsets.UTF_8));
  }

  private static ImportPlan plan(ClusterConfig config, byte[] document) throws IOException {
    Path cache = Files.createTempFile("boot-cache", ".test");
    Files.delete(cache);
    try (PasswordHasher hasher = new PasswordHasher();
        LiveConfig live = new LiveConfig(new NodeIdentity(UUID.randomUUID(), "n", "127.0.0.1", Set.of()),
            new BootCache(cache, CODEC));
        InputStream text = new ByteArrayInputStream(document)) {
      return ImportPlan.of(config, text, true, CODEC, new EntityInput(CODEC, hasher, live));
    } finally {
      Files.deleteIfExists(cache);
    }
  }

  private static ClusterConfig apply(ClusterConfig config, ImportPlan plan) {
    return plan.operations().isEmpty() ? config : commit(config, plan.operations());
  }

  private static byte[] export(ClusterConfig config, boolean sealed) {
    ByteArrayOutputStream text = new ByteArrayOutputStream();
    ConfigExport export = ConfigExport.textOf(config, CODEC, Optional.of(UUID.randomUUID()), sealed);
    while (export.hasNext()) {
      text.writeBytes(export.next().toArray());
    }
    return text.toByteArray();
  }

  /** Of the documents alone: versions are the cluster's own. */
  private static String digest(ClusterConfig config) {
    return ClusterConfig.of(1, config.entities().values().stream().map(stored ->
        new StoredDocument(stored.key().kind(), stored.key().name(), 1, stored.document())).toList(), CODEC)
        .digest().toString();
  }

  private static ClusterConfig evolve(List<Integer> steps, String text) {
    ClusterConfig config = commit(ClusterConfig.EMPTY, List.of(
        put("storages", "main", EntityCodec.JSON.createObjectNode().put("path", "/srv")),
        put("host-keys", "ed25519", hostKey("ed25519")),
        put("listeners", "sftp", EntityCodec.JSON.createObjectNode().put("protocol", "sftp").put("port", 2022))));
    for (int step : steps) {
      config = commit(config, List.of(step(config, step, text)));
    }
    return config;
  }

  private static Operation step(ClusterConfig config, int step, String text) {
    int number = step / 8;
    String name = "e-" + number + (step % 2 == 0 ? "" : "\"'ü😀");
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    Kind kind = switch (step % 8) {
      case 0, 1, 2 -> Kind.USERS;
      case 3 -> Kind.STORAGES;
      case 4 -> Kind.ADMINS;
      case 5 -> Kind.LISTENERS;
      case 6 -> Kind.HOST_KEYS;
      default -> Kind.NODES;
    };
    EntityKey key = EntityKey.of(kind, name);
    if (config.stored(key).isPresent()) {
      return new Operation(Operation.Action.DELETE, kind.id(), name, null, Operation.ANY);
    }
    switch (kind) {
      case USERS -> {
        json.put("enabled", number % 2 == 0);
        if (number % 3 == 0) {
          CODEC.putSecret(json, key, "passwordHash", "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHQxMjM0NTY$"
              + "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI");
        }
        if (text.codePoints().allMatch(Character::isLetterOrDigit)) {
          json.putObject("home").put("path", "/h/" + text);
        }
      }
      case STORAGES -> json.put("path", "/srv/" + number).put("shared", true);
      case ADMINS -> CODEC.putSecret(json.put("role", "viewer"), key, "tokenHash", ClusterKey.hashToken("t" + number));
      case LISTENERS -> json.put("protocol", "sftp").put("port", 3000 + step).putArray("nodes").add("node-" + number);
      case HOST_KEYS -> json = hostKey(name);
      case NODES -> json.putObject("storages").putObject("main").put("path", "/other");
      case GROUPS, FOLDERS, CERTIFICATES, ACCESS_RULES, POLICIES -> throw new AssertionError();
    }
    return put(kind.id(), name, json);
  }

  private static ObjectNode hostKey(String name) {
    ObjectNode json = EntityCodec.JSON.createObjectNode().put("algorithm", "ed25519")
        .put("fingerprint", HOST_KEY.fingerprint());
    CODEC.putSecret(json, EntityKey.of(Kind.HOST_KEYS, name), "privateKey", HOST_KEY.privateKey());
    return json;
  }

  private static Operation put(String kind, String name, ObjectNode json) {
    return new Operation(Operation.Action.PUT, kind, name, EntityCodec.bytes(json), Operation.ANY);
  }

  private static ClusterConfig commit(ClusterConfig config, List<Operation> operations) {
    return switch (new ConfigEditor(CODEC).edit(config, operations)) {
      case ConfigEditor.Edited edited -> edited.config();
      case ConfigEditor.Refused refused -> throw new AssertionError(refused.refusal().toString());
    };
  }
}
