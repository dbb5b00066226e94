package io.flotilla.ftp;

import io.flotilla.vfs.FileAttributes;
import java.time.Instant;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import java.util.stream.Collectors;

/** The facts of MLST and MLSD that a client wants (RFC 3659, section 7). Immutable. */
record MachineFacts(Set<Fact> wanted) {
  static final MachineFacts ALL = new MachineFacts(EnumSet.allOf(Fact.class));
  private static final DateTimeFormatter SECONDS =
      DateTimeFormatter.ofPattern("yyyyMMddHHmmss", Locale.ROOT).withZone(ZoneOffset.UTC);

  enum Fact {
    TYPE("type"), SIZE("size"), MODIFY("modify"), PERM("perm"), UNIX_MODE("UNIX.mode");

    private final String word;

    Fact(String word) {
      this.word = word;
    }
  }

  /** OPTS MLST: what of the list is known here. */
  static MachineFacts of(String list) {
    Set<Fact> wanted = EnumSet.noneOf(Fact.class);
    for (String word : list.split(";")) {
      for (Fact fact : Fact.values()) {
        if (fact.word.equalsIgnoreCase(word.strip())) {
          wanted.add(fact);
        }
      }
    }
    return new MachineFacts(wanted);
  }

  /** As FEAT shows them: an asterisk marks those that are sent. */
  String feature() {
    return EnumSet.allOf(Fact.class).stream().map(fact -> fact.word + (wanted.contains(fact) ? "*;" : ";"))
        .collect(Collectors.joining());
  }

  /** As OPTS answers. */
  String chosen() {
    return wanted.stream().map(fact -> fact.word + ";").collect(Collectors.joining());
  }

  String of(FileAttributes attributes) {
    StringBuilder line = new StringBuilder(96);
    for (Fact fact : Fact.values()) {
      if (wanted.contains(fact) && (fact != Fact.SIZE || attributes.kind() == FileAttributes.Kind.FILE)) {
        line.append(fact.word).append('=').append(value(fact, attributes)).append(';');
      }
    }
    return line.toString();
  }

  private static String value(Fact fact, FileAttributes attributes) {
    return switch (fact) {
      case TYPE -> switch (attributes.kind()) {
        case FILE -> "file";
        case DIRECTORY -> "dir";
        case SYMLINK -> "OS.unix=symlink";
        case OTHER -> "OS.unix=other";
      };
      case SIZE -> Long.toString(attributes.size());
      case MODIFY -> seconds(attributes.modified());
      case PERM -> perm(attributes);
      case UNIX_MODE -> String.format(Locale.ROOT, "0%03o", attributes.permissions() & 0777);
    };
  }

  /** Whole seconds: some clients can't read a fraction. */
  static String seconds(Instant time) {
    return SECONDS.format(time);
  }

  private static String perm(FileAttributes attributes) {
    boolean writable = (attributes.permissions() & 0200) != 0;
    return switch (attributes.kind()) {
      case DIRECTORY -> writable ? "cdeflmp" : "el";
      case FILE -> writable ? "adfrw" : "dfr";
      case SYMLINK, OTHER -> "df";
    };
  }
}
