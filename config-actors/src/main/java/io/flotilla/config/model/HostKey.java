package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Optional;

/** A key by which SSH listeners identify themselves; the same one on every node. */
public record HostKey(String name, String algorithm, Secret.PrivateKey privateKey, Optional<String> fingerprint)
    implements Entity {
  static HostKey read(Fields fields) {
    String algorithm = fields.requiredText("algorithm");
    Optional<String> key = fields.secret("privateKey");
    if (key.isEmpty()) {
      fields.error("privateKey", "is required");
    }
    return new HostKey(fields.name(), algorithm, Secret.privateKey(key.orElse("")), fields.text("fingerprint"));
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("algorithm", algorithm);
    json.put("fingerprint", fingerprint.orElse(null));
  }
}
