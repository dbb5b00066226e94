package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.Certificate;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.EntityKey;
import io.flotilla.config.model.FieldError;
import io.flotilla.config.model.StoredEntity;
import io.flotilla.config.view.ConfigView;
import io.flotilla.tls.TlsIdentity;
import java.security.cert.X509Certificate;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Supplier;

/**
 * Makes the committed document of a certificate out of what a client sends: a certificate with its key, or the names that
 * one is to be made for. The document always holds both together, also what stays as it is, so that no change that comes
 * between leaves the one with the other's. Safe for all threads.
 */
final class CertificateInput {
  /** What reads tell about the certificate itself. */
  private static final Set<String> SHOWN = Set.of("subject", "names", "notAfter", "fingerprint", "warning");
  private static final String CERTIFICATE = "certificate";
  private static final String PRIVATE_KEY = "privateKey";
  private static final String SELF_SIGNED = "selfSigned";

  private final EntityCodec codec;
  private final Supplier<ConfigView> view;
  private final Clock clock;

  CertificateInput(EntityCodec codec, Supplier<ConfigView> view, Clock clock) {
    this.codec = codec;
    this.view = view;
    this.clock = clock;
  }

  /** The certificate as it is. */
  private record Present(Certificate certificate, JsonNode sealedKey) {}

  /**
   * Takes some milliseconds.
   *
   * @param document changed to what is committed
   * @param whole whether the document is all of the entity (PUT) and not a patch
   * @param errors gets the faults; the document is of no use then
   */
  void prepare(EntityKey key, ObjectNode document, boolean whole, List<FieldError> errors) {
    document.remove(SHOWN);
    ConfigView now = view.get();
    Optional<Present> present = now.certificate(key.name()).map(certificate -> new Present(certificate,
        EntityCodec.read(now.config().stored(key).map(StoredEntity::document).orElseThrow()).get(PRIVATE_KEY)));
    if (isGiven(document, SELF_SIGNED) && !isGiven(document, PRIVATE_KEY)) {
      names(document.get(SELF_SIGNED), errors).ifPresent(names -> make(key, document, names, present, errors));
    } else if (isGiven(document, CERTIFICATE) || isGiven(document, PRIVATE_KEY)) {
      join(key, document, present, whole, errors);
    } else if (whole) {
      errors.add(new FieldError("/certificate", "is required, with its privateKey; or selfSigned, to have one made"));
    }
  }

  /** Keeps what was made for the same names before, unless it should be replaced by now. */
  private void make(
      EntityKey key, ObjectNode document, List<String> names, Optional<Present> present, List<FieldError> errors) {
    boolean foreign = isGiven(document, CERTIFICATE)
        && present.filter(old -> old.certificate.pem().equals(document.get(CERTIFICATE).textValue())).isEmpty();
    if (foreign) {
      errors.add(new FieldError("/privateKey",
          "is missing: give the key that belongs to the certificate, or leave the certificate out to have a new one made"));
      return;
    }
    Optional<Present> kept = present.filter(old -> old.certificate.selfSigned().equals(Optional.of(names))
        && old.certificate.warning(clock.instant()).isEmpty());
    if (kept.isPresent()) {
      document.put(CERTIFICATE, kept.get().certificate.pem()).set(PRIVATE_KEY, kept.get().sealedKey);
      return;
    }
    TlsIdentity made = TlsIdentity.selfSigned(names.getFirst(), names, clock.instant());
    document.put(CERTIFICATE, made.certificatePem());
    codec.putSecret(document, key, PRIVATE_KEY, made.privateKeyPem());
  }

  /** What is not given of the two stays, if they belong together. */
  private void join(
      EntityKey key, ObjectNode document, Optional<Present> present, boolean whole, List<FieldError> errors) {
    boolean newKey = isGiven(document, PRIVATE_KEY);
    Optional<String> pem = isGiven(document, CERTIFICATE) ? text(document, CERTIFICATE, errors)
        : present.filter(old -> !whole).map(old -> old.certificate.pem());
    Optional<String> clear = newKey ? text(document, PRIVATE_KEY, errors)
        : present.map(old -> old.certificate.privateKey().reveal());
    if (pem.isEmpty() || clear.isEmpty()) {
      if (errors.isEmpty()) {
        errors.add(pem.isEmpty() ? new FieldError("/certificate", "is required with a privateKey")
            : new FieldError("/privateKey", "is required with a certificate"));
      }
      return;
    }
    List<X509Certificate> chain;
    try {
      chain = Certificate.parse(pem.get());
    } catch (IllegalArgumentException e) {
      errors.add(new FieldError("/certificate", e.getMessage()));
      return;
    }
    try {
      TlsIdentity.of(chain, clear.get());
    } catch (IllegalArgumentException e) {
      errors.add(newKey ? new FieldError("/privateKey", e.getMessage())
          : new FieldError("/certificate", "does not belong to the private key that is kept; give its own privateKey with it"));
      return;
    }
    boolean replaced = present.filter(old -> old.certificate.pem().equals(pem.get())).isEmpty();
    if (replaced && !isGiven(document, SELF_SIGNED)) {
      document.putNull(SELF_SIGNED);
    }
    document.put(CERTIFICATE, pem.get());
    if (newKey) {
      codec.putSecret(document, key, PRIVATE_KEY, clear.get());
    } else {
      document.set(PRIVATE_KEY, present.orElseThrow().sealedKey);
    }
  }

  private static Optional<List<String>> names(JsonNode selfSigned, List<FieldError> errors) {
    JsonNode names = selfSigned.path("names");
    if (!names.isArray() || names.isEmpty()) {
      errors.add(new FieldError("/selfSigned/names", "must be a list of the names and addresses that clients connect to"));
      return Optional.empty();
    }
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < names.size(); i++) {
      String at = "/selfSigned/names/" + i;
      Optional<String> problem = names.get(i).isTextual()
          ? Certificate.problemWithName(names.get(i).textValue()) : Optional.of("must be text");
      problem.ifPresent(detail -> errors.add(new FieldError(at, detail)));
      texts.add(names.get(i).asText());
    }
    return errors.isEmpty() ? Optional.of(List.copyOf(texts)) : Optional.empty();
  }

  private static Optional<String> text(ObjectNode document, String field, List<FieldError> errors) {
    if (!document.get(field).isTextual()) {
      errors.add(new FieldError(FieldError.pointer(field), "must be text in PEM format"));
      return Optional.empty();
    }
    return Optional.of(document.get(field).textValue());
  }

  private static boolean isGiven(ObjectNode document, String field) {
    return EntityInput.isGiven(document.get(field));
  }
}
