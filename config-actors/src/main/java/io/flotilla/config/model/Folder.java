package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * A directory of a storage under a name, which users get mounted beside their homes; {@code ${user}} in the path stands
 * for the name of the user who opens it.
 */
public record Folder(String name, String storage, String path) implements Entity {
  static Folder read(Fields fields) {
    String storage = fields.requiredText("storage");
    String path = fields.requiredText("path");
    if (!path.isEmpty()) {
      Storage.problemWithPath(path).ifPresent(problem -> fields.error("path", problem));
    }
    return new Folder(fields.name(), storage, path);
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("storage", storage).put("path", path);
  }
}
