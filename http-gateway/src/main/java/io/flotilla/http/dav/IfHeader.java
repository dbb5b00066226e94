package io.flotilla.http.dav;

import io.flotilla.http.files.EntityTag;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** The If header (RFC 4918, 10.4): what has to be true for one of its lists. */
record IfHeader(List<Conditions> lists) {
  /**
   * Conditions that have to be true together.
   *
   * @param resource the URL that they are about; nothing for that of the request
   */
  record Conditions(Optional<String> resource, List<Condition> all) {}

  /** @param isNot whether it has to be false */
  sealed interface Condition {
    boolean isNot();

    record Token(boolean isNot, String uri) implements Condition {}

    record Tag(boolean isNot, EntityTag tag) implements Condition {}
  }

  /** What a resource is held against. */
  interface State {
    boolean has(Condition.Token token);

    boolean has(Condition.Tag tag);
  }

  interface States<E extends Exception> {
    /** @param resource nothing for that of the request */
    State of(Optional<String> resource) throws E;
  }

  /** Nothing if it is malformed. */
  static Optional<IfHeader> parse(String text) {
    return new Parser(text).header();
  }

  /** All lock tokens in it, wherever they stand (RFC 4918, 10.4.1), without their scheme. */
  Set<String> tokens() {
    Set<String> tokens = new HashSet<>();
    for (Conditions list : lists) {
      for (Condition condition : list.all()) {
        if (condition instanceof Condition.Token(_, var uri) && uri.startsWith(Lock.SCHEME)) {
          tokens.add(uri.substring(Lock.SCHEME.length()));
        }
      }
    }
    return tokens;
  }

  <E extends Exception> boolean isTrue(States<E> states) throws E {
    for (Conditions list : lists) {
      State state = states.of(list.resource());
      if (list.all().stream().allMatch(condition -> condition.isNot() != isTrue(condition, state))) {
        return true;
      }
    }
    return false;
  }

  private static boolean isTrue(Condition condition, State state) {
    return switch (condition) {
      case Condition.Token token -> state.has(token);
      case Condition.Tag tag -> state.has(tag);
    };
  }

  private static final class Parser {
    private final String text;
    private int at;

    Parser(String text) {
      this.text = text;
    }

    Optional<IfHeader> header() {
      List<Conditions> lists = new ArrayList<>();
      boolean isTagged = next() == '<';
      while (next() != 0) {
        Optional<String> resource = Optional.empty();
        if (isTagged) {
          resource = between('<', '>');
          if (resource.isEmpty()) {
            return Optional.empty();
          }
        }
        do {
          Optional<Conditions> list = list(resource);
          if (list.isEmpty()) {
            return Optional.empty();
          }
          lists.add(list.get());
        } while (next() == '(');
      }
      return lists.isEmpty() ? Optional.empty() : Optional.of(new IfHeader(lists));
    }

    private Optional<Conditions> list(Optional<String> resource) {
      if (!skip('(')) {
        return Optional.empty();
      }
      List<Condition> all = new ArrayList<>();
      while (!skip(')')) {
        Optional<Condition> condition = condition();
        if (condition.isEmpty()) {
          return Optional.empty();
        }
        all.add(condition.get());
      }
      return all.isEmpty() ? Optional.empty() : Optional.of(new Conditions(resource, all));
    }

    private Optional<Condition> condition() {
      boolean isNot = next() != 0 && text.regionMatches(true, at, "Not", 0, 3);
      at += isNot ? 3 : 0;
      return next() == '['
          ? tag().map(tag -> new Condition.Tag(isNot, tag))
          : between('<', '>').map(uri -> new Condition.Token(isNot, uri));
    }

    /** What is in double quotes may hold brackets. */
    private Optional<EntityTag> tag() {
      int quote = text.indexOf('"', at);
      int end = quote < 0 ? -1 : text.indexOf('"', quote + 1);
      if (end < 0) {
        return Optional.empty();
      }
      Optional<EntityTag> tag = EntityTag.parse(text.substring(at + 1, end + 1));
      at = end + 1;
      return skip(']') ? tag : Optional.empty();
    }

    private Optional<String> between(char open, char close) {
      if (!skip(open)) {
        return Optional.empty();
      }
      int end = text.indexOf(close, at);
      if (end <= at) {
        return Optional.empty();
      }
      String found = text.substring(at, end);
      at = end + 1;
      return found.chars().allMatch(c -> c > ' ' && c < 0x7F && c != '<' && c != '"') ? Optional.of(found) : Optional.empty();
    }

    private boolean skip(char expected) {
      boolean isNext = next() == expected;
      at += isNext ? 1 : 0;
      return isNext;
    }

    /** The next character that is no white space, or 0 at the end. */
    private char next() {
      while (at < text.length() && (text.charAt(at) == ' ' || text.charAt(at) == '\t')) {
        at++;
      }
      return at < text.length() ? text.charAt(at) : 0;
    }
  }
}
