package io.flotilla.config.model;

import java.util.Arrays;
import java.util.EnumSet;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** What a user may do at a path. {@link #id} is the word for it in the configuration. */
public enum Permission {
  /** See names and attributes. */
  LIST("list"),
  DOWNLOAD("download"),
  /** Make new files. */
  UPLOAD("upload"),
  /** Replace, change and truncate files that are there. */
  OVERWRITE("overwrite"),
  /** Add to the end of files that are there. */
  APPEND("append"),
  RENAME("rename"),
  DELETE("delete"),
  MKDIR("mkdir"),
  RMDIR("rmdir"),
  SYMLINK("symlink"),
  CHMOD("chmod"),
  CHTIMES("chtimes");

  /** The word that stands for all of them. */
  public static final String EVERY = "*";

  private final String id;

  Permission(String id) {
    this.id = id;
  }

  public String id() {
    return id;
  }

  static Optional<Permission> of(String id) {
    return Arrays.stream(values()).filter(permission -> permission.id.equals(id)).findFirst();
  }

  public static Set<Permission> all() {
    return EnumSet.allOf(Permission.class);
  }

  static Optional<String> problemWith(String word) {
    return word.equals(EVERY) || of(word).isPresent() ? Optional.empty()
        : Optional.of("'" + word + "' is not a permission; known are *, "
            + Arrays.stream(values()).map(Permission::id).collect(Collectors.joining(", ")));
  }
}
