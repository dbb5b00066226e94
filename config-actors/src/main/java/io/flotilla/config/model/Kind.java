package io.flotilla.config.model;

import java.util.Arrays;
import java.util.Optional;
import java.util.stream.Collectors;

/** The kinds of entity this release serves; {@link #id} is the word used in URLs, events and logs. */
public enum Kind {
  USERS("users"),
  GROUPS("groups"),
  LISTENERS("listeners"),
  STORAGES("storages"),
  FOLDERS("folders"),
  CERTIFICATES("certificates"),
  HOST_KEYS("host-keys"),
  ACCESS_RULES("access-rules"),
  NODES("nodes"),
  ADMINS("admins"),
  POLICIES("policies");

  private final String id;

  Kind(String id) {
    this.id = id;
  }

  public String id() {
    return id;
  }

  public static Optional<Kind> of(String id) {
    return Arrays.stream(values()).filter(kind -> kind.id.equals(id)).findFirst();
  }

  /** The known kinds as a sentence part for error messages. */
  public static String known() {
    return Arrays.stream(values()).map(Kind::id).collect(Collectors.joining(", "));
  }
}
