package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.Admin;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.Entity;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Operation;
import io.flotilla.config.model.Refusal;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.model.User;
import io.flotilla.http.Problem;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;

/**
 * What an import of a document would change of one version of the configuration. What the document holds as it is already
 * costs nothing; secrets it does not name stay. Blocks while passwords are hashed; for one thread.
 */
final class ImportPlan {
  /** A plan lists as many changes and warnings as this; the rest is counted. */
  static final int MAX_LISTED = 1_000;
  private static final int MAX_LISTED_BYTES = 4 << 20;
  private static final int MAX_WARNINGS = 100;

  private final ClusterConfig config;
  private final EntityCodec codec;
  private final EntityInput input;
  private final List<Operation> operations = new ArrayList<>();
  private final List<FieldError> errors = new ArrayList<>();
  private final List<String> warnings = new ArrayList<>();
  private final ArrayNode listed = EntityCodec.JSON.createArrayNode();
  private final List<Given> passwords = new ArrayList<>();
  private final Set<EntityKey> named = new HashSet<>();
  private int listedBytes;
  private int created;
  private int changed;
  private int deleted;

  /** An entity of the document with a plain password, which takes long. */
  private record Given(EntityKey key, ObjectNode wish) {}

  private ImportPlan(ClusterConfig config, EntityCodec codec, EntityInput input) {
    this.config = config;
    this.codec = codec;
    this.input = input;
  }

  /**
   * Reads a document to its end; fails with a problem if it can't be imported.
   *
   * @param delete whether entities go that the document does not have, of the kinds that it has a section for
   */
  static ImportPlan of(ClusterConfig config, InputStream document, boolean delete, EntityCodec codec, EntityInput input) {
    ImportPlan plan = new ImportPlan(config, codec, input);
    ConfigDocument.Read read = ConfigDocument.read(document, plan::add);
    plan.errors.addAll(read.errors());
    plan.addPasswords();
    if (delete) {
      read.kinds().stream().sorted().forEach(plan::deleteOthers);
    }
    if (plan.operations.size() > ConfigEditor.MAX_OPERATIONS) {
      plan.fault("/entities", "differ in " + plan.operations.size() + " from the present ones, and one change may touch "
          + ConfigEditor.MAX_OPERATIONS + "; import them in several documents");
    }
    if (!plan.errors.isEmpty()) {
      throw new Problem.ProblemException(ConfigWrites.invalid(plan.errors));
    }
    return plan;
  }

  List<Operation> operations() {
    return operations;
  }

  ClusterConfig config() {
    return config;
  }

  int size() {
    return created + changed + deleted;
  }

  /** Tells an admin who imports what that does to the own access. */
  void warnAbout(Admin caller) {
    EntityKey own = EntityKey.of(Kind.ADMINS, caller.name());
    operations.stream().filter(operation -> operation.key().equals(own)).findFirst().ifPresent(operation -> {
      if (operation.action() == Operation.Action.DELETE) {
        warn(own + " is you: after this your token is not valid any more");
      } else if (entity(own, operation.document()) instanceof Admin after
          && !(after.role() == caller.role() && after.tokenHash().equals(caller.tokenHash()))) {
        warn(own + " is you: after this your role is " + after.role().id()
            + (after.tokenHash().equals(caller.tokenHash()) ? "" : " and your token is another one"));
      }
    });
  }

  /** Puts the plan into an answer; the list of changes is cut at a bound and then says so. */
  void describe(ObjectNode json, boolean withChanges) {
    json.put("base", config.version());
    json.put("created", created).put("changed", changed).put("deleted", deleted);
    warnings.forEach(json.putArray("warnings")::add);
    if (withChanges) {
      json.put("truncated", listed.size() < size());
      json.set("changes", listed);
    }
  }

  /** The pointer into the document that belongs to one into the operations. */
  FieldError inDocument(FieldError error) {
    String[] steps = error.pointer().split("/", 5);
    try {
      Operation operation = operations.get(Integer.parseInt(steps[2]));
      return new FieldError(ConfigDocument.pointer(operation.key()) + (steps.length > 4 ? "/" + steps[4] : ""), error.detail());
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      return error;
    }
  }

  private void add(EntityKey key, ObjectNode wish) {
    named.add(key);
    Optional<StoredEntity> present = config.stored(key);
    // The commonest case: an export that was not edited here.
    if (present.isPresent() && isWritten(key, present.get(), wish)) {
      return;
    }
    if (Kind.of(key.kind()).isEmpty()) {
      fault(ConfigDocument.pointer(key), "is of no kind that this release knows; known are " + Kind.known());
    } else if (errors.size() >= Refusal.MAX_ERRORS) {
      return;
    } else if (key.kind().equals(Kind.USERS.id()) && wish.path("password").isTextual()) {
      passwords.add(new Given(key, wish));
    } else {
      take(key, present, wish);
    }
  }

  /** Whether the document says nothing but what is stored, with all secrets or without any. */
  private static boolean isWritten(EntityKey key, StoredEntity present, ObjectNode wish) {
    ObjectNode plain = wish.deepCopy();
    if (key.kind().equals(Kind.USERS.id())) {
      plain.remove("hasPassword");
    } else if (key.kind().equals(Kind.ADMINS.id())) {
      plain.remove("hasToken");
    }
    return plain.equals(EntityCodec.read(present.document()))
        || plain.equals(EntityCodec.withoutSecrets(key.kind(), present.document()).orElseThrow());
  }

  private void addPasswords() {
    if (passwords.size() > ConfigWrites.MAX_PASSWORDS) {
      fault("/entities/users", "has " + passwords.size() + " plain passwords that may be new; one import may have "
          + ConfigWrites.MAX_PASSWORDS + ", so split it or use passwordHash");
      return;
    }
    for (int from = 0; from < passwords.size(); from += ConfigWrites.MAX_PREPARING) {
      List<Given> slice = passwords.subList(from, Math.min(passwords.size(), from + ConfigWrites.MAX_PREPARING));
      List<CompletableFuture<Boolean>> same = slice.stream().map(this::isPresentPassword).toList();
      CompletableFuture.allOf(same.toArray(CompletableFuture[]::new)).join();
      for (int i = 0; i < slice.size(); i++) {
        // A password that is valid already would else be hashed anew, and the file never be applied.
        if (same.get(i).join()) {
          slice.get(i).wish().remove("password");
        }
      }
      List<CompletableFuture<Void>> taken = slice.stream().map(given ->
          input.prepare(given.key(), given.wish(), true).toCompletableFuture()
              .thenAccept(prepared -> takePrepared(given.key(), config.stored(given.key()), given.wish(), prepared))).toList();
      CompletableFuture.allOf(taken.toArray(CompletableFuture[]::new)).join();
    }
  }

  private CompletableFuture<Boolean> isPresentPassword(Given given) {
    return config.find(Kind.USERS, given.key().name(), User.class).flatMap(User::passwordHash)
        .filter(hash -> !given.wish().hasNonNull("passwordHash"))
        .map(hash -> input.isPassword(given.wish().get("password").textValue(), hash.reveal()))
        .orElse(CompletableFuture.completedFuture(false));
  }

  private void take(EntityKey key, Optional<StoredEntity> present, ObjectNode wish) {
    ObjectNode sealed = EntityCodec.JSON.createObjectNode();
    if (!open(key, wish, sealed) || !hasHostKey(key, present, wish)) {
      return;
    }
    JsonNode token = key.kind().equals(Kind.ADMINS.id()) && sealed.has("tokenHash") ? wish.remove("tokenHash") : null;
    EntityInput.Prepared prepared = input.prepare(key, wish, true).toCompletableFuture().join();
    if (token != null && prepared.document().has("tokenHash")) {
      fault(ConfigDocument.pointer(key), "has a token and a sealed tokenHash, which exclude each other");
      return;
    }
    // What was sealed for this entity by this cluster stays as it was sealed.
    prepared.document().setAll(sealed);
    takePrepared(key, present, wish, prepared);
  }

  /** Opens the sealed secrets of an export, so that they are checked like any others. */
  private boolean open(EntityKey key, ObjectNode wish, ObjectNode sealed) {
    for (String field : EntityCodec.secretFields(key.kind())) {
      JsonNode value = wish.path(field);
      try {
        codec.openSecret(key, field, value).ifPresent(clear -> {
          sealed.set(field, value);
          wish.put(field, clear);
        });
      } catch (SecretSealer.SealedWithAnotherKeyException e) {
        fault(ConfigDocument.pointer(key) + "/" + field, e.getMessage());
        return false;
      }
    }
    return true;
  }

  /** A host key that is described but not given can't be made up: its clients would take the node for another one. */
  private boolean hasHostKey(EntityKey key, Optional<StoredEntity> present, ObjectNode wish) {
    if (!key.kind().equals(Kind.HOST_KEYS.id()) || wish.hasNonNull("privateKey") || !wish.path("fingerprint").isTextual()) {
      return true;
    }
    Optional<HostKey> here = present.map(stored -> (HostKey) stored.entity());
    if (here.isEmpty() || !here.get().algorithm().equals(wish.path("algorithm").asText(""))) {
      fault(ConfigDocument.pointer(key) + "/privateKey", "is not in the document; export it with secrets=sealed, or take the "
          + "fingerprint out of the document to have a new key made");
      return false;
    }
    if (!here.get().fingerprint().equals(Optional.of(wish.get("fingerprint").textValue()))) {
      warn(key + " stays the key that it is here: the document tells the fingerprint of another one, but does not hold it");
    }
    return true;
  }

  private synchronized void takePrepared(
      EntityKey key, Optional<StoredEntity> present, ObjectNode wish, EntityInput.Prepared prepared) {
    String pointer = ConfigDocument.pointer(key);
    if (!prepared.errors().isEmpty()) {
      prepared.errors().forEach(error -> fault(pointer + error.pointer(), error.detail()));
      return;
    }
    byte[] before = present.map(StoredEntity::document).orElse(null);
    ObjectNode after = codec.afterPut(key, before, prepared.document().deepCopy());
    List<FieldError> found;
    try {
      found = codec.check(key, after, Optional.ofNullable(before));
    } catch (SecretSealer.SealedWithAnotherKeyException e) {
      found = List.of(new FieldError("", e.getMessage()));
    }
    if (!found.isEmpty()) {
      found.forEach(error -> fault(pointer + error.pointer(), error.detail()));
      return;
    }
    byte[] bytes;
    try {
      bytes = EntityCodec.bytes(after);
    } catch (IllegalStateException e) {
      fault(pointer, "holds text that is not valid Unicode");
      return;
    }
    Entity entity = entity(key, bytes);
    warnAboutMissingSecrets(key, wish, entity);
    if (present.isPresent() && (Arrays.equals(bytes, before) || entity.equals(present.get().entity()))) {
      return;
    }
    if (present.isPresent()) {
      keepSeals(key, before, after);
      bytes = EntityCodec.bytes(after);
    }
    list(key, before, bytes);
    if (present.isPresent()) {
      changed++;
    } else {
      created++;
    }
    ObjectNode sent = after;
    for (String secret : EntityCodec.secretFields(key.kind())) {
      if (!sent.has(secret)) {
        sent.putNull(secret);
      }
    }
    operations.add(new Operation(Operation.Action.PUT, key.kind(), key.name(), EntityCodec.bytes(sent),
        present.map(StoredEntity::version).orElse(Operation.ABSENT)));
  }

  /** A secret that is the same as before stays as it is sealed, so that history does not show it as changed. */
  private void keepSeals(EntityKey key, byte[] before, ObjectNode after) {
    ObjectNode old = EntityCodec.read(before);
    for (String field : EntityCodec.secretFields(key.kind())) {
      if (old.has(field) && after.has(field) && codec.openSecret(key, field, old.get(field))
          .equals(codec.openSecret(key, field, after.get(field)))) {
        after.set(field, old.get(field));
      }
    }
  }

  private void warnAboutMissingSecrets(EntityKey key, ObjectNode wish, Entity after) {
    if (after instanceof User user && user.passwordHash().isEmpty() && wish.path("hasPassword").asBoolean()) {
      warn(key + " has no password after this: the document says that there was one, but does not hold it");
    } else if (after instanceof Admin admin && admin.tokenHash().isEmpty() && wish.path("hasToken").asBoolean()) {
      warn(key + " has no token after this: the document says that there was one, but does not hold it");
    }
  }

  private void deleteOthers(String kind) {
    for (StoredEntity stored : config.ofKind(kind, "")) {
      if (!named.contains(stored.key())) {
        list(stored.key(), stored.document(), null);
        deleted++;
        operations.add(
            new Operation(Operation.Action.DELETE, kind, stored.key().name(), null, stored.version()));
      }
    }
  }

  private void list(EntityKey key, byte[] before, byte[] after) {
    if (listed.size() < MAX_LISTED && listedBytes < MAX_LISTED_BYTES) {
      listed.add(VersionDiff.describe(key, before, after));
      listedBytes += (before == null ? 0 : before.length) + (after == null ? 0 : after.length);
    }
  }

  private Entity entity(EntityKey key, byte[] document) {
    return codec.read(new StoredDocument(key.kind(), key.name(), 0, document)).entity();
  }

  private void warn(String text) {
    if (warnings.size() < MAX_WARNINGS) {
      warnings.add(text);
    }
  }

  private void fault(String pointer, String detail) {
    if (errors.size() < Refusal.MAX_ERRORS) {
      errors.add(new FieldError(pointer, detail));
    }
  }
}
