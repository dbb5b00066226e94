package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.auth.PasswordHasher;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.HostKey;
import io.flotilla.config.model.Kind;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.sftp.HostKeyGenerator;
import java.security.KeyPair;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * Makes the document that is committed out of what a client sends: passwords are hashed, tokens digested, host keys
 * and certificates generated, and every secret is sealed here, on the node that took the request, so that nothing clear travels between
 * nodes.
 */
public final class EntityInput {
  private static final int LEAST_TOKEN_LENGTH = 32;
  private static final String SEALED = "$sealed";

  private final EntityCodec codec;
  private final PasswordHasher hasher;
  private final LiveConfig live;
  private final CertificateInput certificates;

  public EntityInput(EntityCodec codec, PasswordHasher hasher, LiveConfig live) {
    this.codec = codec;
    this.hasher = hasher;
    this.live = live;
    this.certificates = new CertificateInput(codec, live::view, Clock.systemUTC());
  }

  /** The outcome: a document, or the faults found on the way. */
  record Prepared(ObjectNode document, List<FieldError> errors) {}

  /**
   * @param whole whether the document is all of the entity (PUT) and not a patch
   */
  CompletionStage<Prepared> prepare(EntityKey key, ObjectNode wish, boolean whole) {
    List<FieldError> errors = new ArrayList<>();
    ObjectNode document = wish.deepCopy();
    refuseSealed(document, errors);
    if (!errors.isEmpty()) {
      return CompletableFuture.completedFuture(new Prepared(document, errors));
    }
    document.remove("name");
    return switch (Kind.of(key.kind()).orElse(Kind.STORAGES)) {
      case USERS -> prepareUser(key, document, errors);
      case CERTIFICATES -> async(() -> {
        certificates.prepare(key, document, whole, errors);
        return new Prepared(document, errors);
      });
      case HOST_KEYS -> prepareHostKey(key, document, errors, whole);
      case ADMINS -> CompletableFuture.completedFuture(prepareAdmin(key, document, errors));
      case GROUPS, LISTENERS, STORAGES, FOLDERS, NODES, ACCESS_RULES, POLICIES ->
          CompletableFuture.completedFuture(new Prepared(document, errors));
    };
  }

  /** Whether a hash belongs to a password. */
  CompletableFuture<Boolean> isPassword(String password, String phc) {
    return hasher.verify(password, Optional.of(phc));
  }

  private CompletionStage<Prepared> prepareUser(EntityKey key, ObjectNode document, List<FieldError> errors) {
    document.remove("hasPassword");
    JsonNode password = document.remove("password");
    JsonNode hash = document.get("passwordHash");
    if (isGiven(password) && isGiven(hash)) {
      errors.add(new FieldError("/password", "and passwordHash exclude each other"));
    } else if (isGiven(password)) {
      if (!password.isTextual() || password.textValue().isEmpty()) {
        errors.add(new FieldError("/password", "must be text that is not empty"));
      } else if (PasswordHasher.isTooLong(password.textValue())) {
        errors.add(new FieldError("/password", "has over " + PasswordHasher.MAX_PASSWORD_BYTES + " bytes"));
      } else {
        return hasher.hash(password.textValue()).thenApply(phc -> {
          codec.putSecret(document, key, "passwordHash", phc);
          return new Prepared(document, errors);
        });
      }
    } else if (isGiven(hash)) {
      if (!hash.isTextual() || !PasswordHasher.isAcceptable(hash.textValue())) {
        errors.add(new FieldError("/passwordHash", "must be an Argon2id hash such as $argon2id$v=19$m=19456,t=2,p=1$..."));
      } else {
        codec.putSecret(document, key, "passwordHash", hash.textValue());
      }
    } else if (password != null) {
      document.putNull("passwordHash");
    }
    return CompletableFuture.completedFuture(new Prepared(document, errors));
  }

  private CompletionStage<Prepared> prepareHostKey(
      EntityKey key, ObjectNode document, List<FieldError> errors, boolean whole) {
    document.remove("fingerprint");
    JsonNode given = document.get("privateKey");
    JsonNode algorithm = document.get("algorithm");
    if (isGiven(given)) {
      return async(() -> {
        try {
          if (!given.isTextual()) {
            throw new IllegalArgumentException("must be an OpenSSH or PEM private key");
          }
          KeyPair pair = HostKeyGenerator.read(given.textValue());
          putHostKey(key, document, HostKeyGenerator.algorithm(pair), HostKeyGenerator.fingerprint(pair), given.textValue());
        } catch (IllegalArgumentException e) {
          errors.add(new FieldError("/privateKey", e.getMessage()));
        }
        return new Prepared(document, errors);
      });
    }
    Optional<HostKey> present = live.view().hostKey(key.name());
    boolean generate = algorithm != null && algorithm.isTextual()
        && present.map(old -> !old.algorithm().equals(algorithm.textValue())).orElse(whole);
    if (!generate) {
      present.flatMap(HostKey::fingerprint).ifPresent(fingerprint -> document.put("fingerprint", fingerprint));
      return CompletableFuture.completedFuture(new Prepared(document, errors));
    }
    return async(() -> {
      try {
        HostKeyGenerator.Algorithm wanted = HostKeyGenerator.Algorithm.of(algorithm.textValue());
        HostKeyGenerator.HostKeyText made = HostKeyGenerator.generate(wanted);
        putHostKey(key, document, wanted.id(), made.fingerprint(), made.privateKey());
      } catch (IllegalArgumentException e) {
        errors.add(new FieldError("/algorithm", e.getMessage()));
      }
      return new Prepared(document, errors);
    });
  }

  private void putHostKey(
      EntityKey key, ObjectNode document, String algorithm, String fingerprint, String privateKey) {
    document.put("algorithm", algorithm);
    document.put("fingerprint", fingerprint);
    codec.putSecret(document, key, "privateKey", privateKey);
  }

  private Prepared prepareAdmin(EntityKey key, ObjectNode document, List<FieldError> errors) {
    document.remove("hasToken");
    JsonNode token = document.remove("token");
    if (document.has("tokenHash")) {
      errors.add(new FieldError("/tokenHash", "cannot be set; give a token"));
    } else if (isGiven(token)) {
      if (!token.isTextual() || token.textValue().length() < LEAST_TOKEN_LENGTH) {
        errors.add(new FieldError("/token", "must be text of at least " + LEAST_TOKEN_LENGTH + " random characters"));
      } else {
        codec.putSecret(document, key, "tokenHash", ClusterKey.hashToken(token.textValue()));
      }
    } else if (token != null) {
      document.putNull("tokenHash");
    }
    return new Prepared(document, errors);
  }

  /** Only the servers themselves seal; what a client sends sealed could only be copied from a file of another entity. */
  private static void refuseSealed(ObjectNode document, List<FieldError> errors) {
    document.properties().forEach(field -> {
      if (field.getValue().has(SEALED)) {
        errors.add(new FieldError(FieldError.pointer(field.getKey()), "must not be given sealed"));
      }
    });
  }

  static boolean isGiven(JsonNode node) {
    return node != null && !node.isNull();
  }

  private static CompletionStage<Prepared> async(java.util.function.Supplier<Prepared> work) {
    return CompletableFuture.supplyAsync(work, task -> Thread.ofVirtual().name("key-input").start(task));
  }
}
