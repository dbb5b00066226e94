package io.flotilla.scp;

import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.NamePattern;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Optional;

/**
 * What a client asks for by the command line of {@code scp}, whose words are taken apart as a shell would: quotes and
 * backslashes make characters literal, and {@code *} and {@code ?} without them stand for names. Nothing is substituted, so a
 * {@code $} is a character like any other, and what would begin another command or a redirection is refused.
 *
 * @param direction seen from the server
 * @param recursive whether directories are copied
 * @param preserve whether times and exact permissions are
 * @param directory whether the target has to be a directory
 * @param paths exactly one for the sink, one or more for the source
 */
public record ScpCommand(
    Direction direction, boolean recursive, boolean preserve, boolean directory, List<Argument> paths) {
  /** Of a command line, in bytes. */
  public static final int MAX_LINE = 32 * 1024;
  private static final String PROGRAM = "scp";
  private static final String SHELL_OPERATORS = ";&|<>()`\n";
  private static final String ESCAPED_IN_DOUBLE_QUOTES = "\"\\$`";

  /** SINK receives files ({@code -t}), SOURCE sends them ({@code -f}). */
  public enum Direction { SINK, SOURCE }

  /**
   * A path as given; relative to the user's root.
   *
   * @param pattern if the last name in the text stands for all names that match it
   */
  public record Argument(String text, Optional<NamePattern> pattern) {
    /** The path; of a pattern its directory. */
    VirtualPath path() throws VfsException {
      return VirtualPath.parse(pattern.isPresent() ? text.substring(0, text.lastIndexOf('/') + 1) : text);
    }
  }

  /** @param literal the places of characters that were quoted */
  private record Word(String text, BitSet literal) {
    Argument path() {
      boolean atHome = text.startsWith("~") && !literal.get(0) && (text.length() == 1 || text.charAt(1) == '/');
      String path = atHome ? "." + text.substring(1) : text;
      int name = path.lastIndexOf('/') + 1;
      // Both texts have the same length, so the places still hold.
      BitSet quoted = literal.get(name, path.length());
      NamePattern pattern = NamePattern.of(path.substring(name), quoted);
      return new Argument(path, pattern.isWild() ? Optional.of(pattern) : Optional.empty());
    }
  }

  /**
   * Reads a command line.
   *
   * @throws IllegalArgumentException if it is anything but scp with options and paths that are known here; the message says
   *     what and quotes nothing of the line
   */
  public static ScpCommand parse(byte[] line) {
    if (line.length > MAX_LINE) {
      throw new IllegalArgumentException("the command line has over " + MAX_LINE + " bytes");
    }
    List<Word> words = words(ByteNames.decode(line));
    if (words.isEmpty() || !words.getFirst().text().equals(PROGRAM)) {
      throw new IllegalArgumentException("the only command is scp");
    }
    boolean sink = false;
    boolean source = false;
    boolean recursive = false;
    boolean preserve = false;
    boolean directory = false;
    int next = 1;
    while (next < words.size() && isOptions(words.get(next).text())) {
      String options = words.get(next++).text();
      if (options.equals("--")) {
        break;
      }
      for (char option : options.substring(1).toCharArray()) {
        switch (option) {
          case 't' -> sink = true;
          case 'f' -> source = true;
          case 'r' -> recursive = true;
          case 'p' -> preserve = true;
          case 'd' -> directory = true;
          case 'v', 'q' -> { } // how much the other side tells its user
          default -> throw new IllegalArgumentException("scp has an option that is not known here");
        }
      }
    }
    boolean literal = sink; // a file is stored under the name that is given
    List<Argument> paths = words.subList(next, words.size()).stream().map(Word::path)
        .map(path -> literal ? new Argument(path.text(), Optional.empty()) : path).toList();
    if (sink == source) {
      throw new IllegalArgumentException("scp needs one of the options -t and -f");
    }
    if (paths.isEmpty() || sink && paths.size() > 1) {
      throw new IllegalArgumentException(sink ? "scp -t takes one path; quote blanks in it" : "scp -f takes paths");
    }
    return new ScpCommand(sink ? Direction.SINK : Direction.SOURCE, recursive, preserve, directory, paths);
  }

  private static boolean isOptions(String word) {
    return word.length() > 1 && word.startsWith("-");
  }

  private static List<Word> words(String line) {
    if (line.indexOf('\0') >= 0) {
      throw new IllegalArgumentException("the command line holds a NUL character");
    }
    List<Word> words = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    BitSet literal = new BitSet();
    boolean begun = false;
    int at = 0;
    while (at < line.length()) {
      char c = line.charAt(at++);
      if (c == ' ' || c == '\t') {
        if (begun) {
          words.add(new Word(text.toString(), literal));
        }
        text.setLength(0);
        literal = new BitSet();
        begun = false;
        continue;
      }
      begun = true;
      switch (c) {
        case '\'' -> {
          int end = closing(line, at, '\'');
          literal.set(text.length(), text.length() + end - at);
          text.append(line, at, end);
          at = end + 1;
        }
        case '"' -> {
          int end = closing(line, at, '"');
          while (at < end) {
            char inner = line.charAt(at++);
            if (inner == '\\' && ESCAPED_IN_DOUBLE_QUOTES.indexOf(line.charAt(at)) >= 0) {
              inner = line.charAt(at++);
            }
            literal.set(text.length());
            text.append(inner);
          }
          at = end + 1;
        }
        case '\\' -> {
          if (at == line.length() || line.charAt(at) == '\n') {
            throw new IllegalArgumentException("a backslash has nothing after it");
          }
          literal.set(text.length());
          text.append(line.charAt(at++));
        }
        default -> {
          if (SHELL_OPERATORS.indexOf(c) >= 0) {
            throw new IllegalArgumentException("the command line holds what only a shell could carry out");
          }
          text.append(c);
        }
      }
    }
    if (begun) {
      words.add(new Word(text.toString(), literal));
    }
    return words;
  }

  /** Where a quotation ends; within double quotes a backslash goes before a quote that doesn't end it. */
  private static int closing(String line, int start, char quote) {
    int at = start;
    while (at < line.length() && line.charAt(at) != quote) {
      at += quote == '"' && line.charAt(at) == '\\' ? 2 : 1;
    }
    if (at >= line.length()) {
      throw new IllegalArgumentException("a quotation has no end");
    }
    return at;
  }
}
