package io.flotilla.config.model;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.time.Instant;

/** What its members have unless they say otherwise; see {@link UserSettings}. */
public record Group(String name, UserSettings settings) implements Entity {
  static Group read(Fields fields) {
    return new Group(fields.name(), UserSettings.read(fields));
  }

  @Override
  public void describe(ObjectNode json) {
    json.put("enabled", settings.enabled().orElse(null));
    json.put("expiresAt", settings.expiresAt().map(Instant::toString).orElse(null));
    settings.home().ifPresentOrElse(
        home -> json.putObject("home").put("storage", home.storage()).put("path", home.path()), () -> json.putNull("home"));
    settings.describeFolders(json);
    settings.permissions().ifPresentOrElse(
        permissions -> permissions.describe(json.putObject("permissions")), () -> json.putNull("permissions"));
    settings.describeAdmission(json);
  }
}
