package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;

/** A named member of the configuration, as the code uses it. Secrets are open in memory and redacted in print. */
public sealed interface Entity
    permits User, Group, Listener, Storage, Folder, Certificate, HostKey, NodeOverride, AccessRule, Admin, Policy, Entity.Unknown {
  String name();

  /** Writes what may be shown to a reader of the admin API: every field with its effective value, no secret. */
  void describe(ObjectNode json);

  /** An entity of a kind that only a newer release knows: kept and passed on, not served. */
  record Unknown(String kind, String name) implements Entity {
    @Override
    public void describe(ObjectNode json) {
      json.put("unknownKind", kind);
    }
  }
}
