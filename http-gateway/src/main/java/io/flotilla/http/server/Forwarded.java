package io.flotilla.http.server;

import io.flotilla.config.model.Listener;
import io.flotilla.http.RequestHeaders;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/**
 * Whose a request is that came by proxies: each of them appends the address that it got the request from to a list, so the list is read
 * from its end, as long as those who wrote are trusted. What comes before that, anybody may have written. Stateless.
 */
final class Forwarded {
  /** Of proxies, one behind the other. */
  private static final int MAX_HOPS = 16;
  /** Of what one of them says. */
  private static final int MAX_ELEMENT = 512;
  private static final String ADDRESSES = "X-Forwarded-For";
  private static final String SCHEMES = "X-Forwarded-Proto";
  private static final String ELEMENTS = "Forwarded";
  private static final Pattern PAIR = Pattern.compile("([A-Za-z0-9!#$%&'*+.^_`|~-]+)=([A-Za-z0-9!#$%&'*+.^_`|~-]+|\"(?:[^\"\\\\]|\\\\.)*\")");
  /** RFC 7239, section 6, without names and obfuscated identifiers; X-Forwarded-For has IPv6 addresses without brackets, too. */
  private static final Pattern NODE =
      Pattern.compile("(?:([0-9.]+)|\\[([0-9A-Fa-f:.]+)])(?::(?:[0-9]{1,5}|_[A-Za-z0-9._-]+))?|([0-9A-Fa-f.]*:[0-9A-Fa-f:.]+)");

  private Forwarded() {}

  /**
   * Whose a request is.
   *
   * @param isSecure whether nobody between the client and what it connected to can read along
   */
  record Origin(InetAddress address, boolean isSecure) {}

  /**
   * What one proxy says of the request that it got.
   *
   * @param address nothing if it doesn't tell
   * @param scheme nothing if it doesn't tell
   */
  private record Hop(Optional<InetAddress> address, Optional<String> scheme) {
    static final Hop SILENT = new Hop(Optional.empty(), Optional.empty());
  }

  /** @param connection what is known of the other end of the connection */
  static Origin of(HttpRequest request, Origin connection, Listener.Proxies proxies, Listener.ForwardedBy field) {
    if (!proxies.trusts(connection.address())) {
      return connection;
    }
    RequestHeaders headers = new RequestHeaders(request);
    List<Hop> hops = switch (field) {
      case NONE -> List.of();
      case X_FORWARDED_FOR -> bySchemes(headers.value(ADDRESSES).map(Forwarded::fromEnd).orElse(List.of()),
          headers.value(SCHEMES).map(Forwarded::fromEnd).orElse(List.of()));
      case FORWARDED -> headers.value(ELEMENTS).map(Forwarded::fromEnd).orElse(List.of()).stream().map(Forwarded::element).toList();
    };
    Origin nearest = connection;
    for (Hop hop : hops) {
      boolean isSecure = hop.scheme().map("https"::equals).orElse(nearest.isSecure());
      if (hop.address().isEmpty()) {
        return new Origin(nearest.address(), isSecure); // unknown, obfuscated or malformed
      }
      nearest = new Origin(hop.address().get(), isSecure);
      if (!proxies.trusts(nearest.address())) {
        return nearest;
      }
    }
    return nearest;
  }

  /** Many proxies tell only the scheme by which the client came; then there are fewer than addresses, and the last is the client's. */
  private static List<Hop> bySchemes(List<String> addresses, List<String> schemes) {
    List<Hop> hops = new ArrayList<>();
    for (int i = 0; i < Math.max(addresses.size(), 1); i++) {
      Optional<String> scheme = schemes.isEmpty() ? Optional.empty()
          : Optional.of(schemes.get(schemes.size() == addresses.size() ? i : 0).toLowerCase(Locale.ROOT));
      hops.add(new Hop(i < addresses.size() ? address(addresses.get(i)) : Optional.empty(), scheme));
    }
    return hops;
  }

  /**
   * The last elements of a list, the last one first (RFC 9110, section 5.6.1). It is read backwards because only its end is sure to be
   * well-formed: a quotation mark that a client has left open must not swallow what proxies have appended.
   */
  private static List<String> fromEnd(String list) {
    List<String> elements = new ArrayList<>();
    boolean isQuoted = false;
    int end = list.length();
    for (int i = list.length() - 1; i >= -1 && elements.size() < MAX_HOPS; i--) {
      char c = i < 0 ? ',' : list.charAt(i);
      if (c == '"' && !(isQuoted && isEscaped(list, i))) {
        isQuoted = !isQuoted;
      } else if (c == ',' && (!isQuoted || i < 0)) {
        String element = list.substring(i + 1, end).strip();
        if (!element.isEmpty()) {
          elements.add(element);
        }
        end = i;
      }
      if (end - i > MAX_ELEMENT) {
        elements.add(""); // tells nothing
        break;
      }
    }
    return elements;
  }

  private static boolean isEscaped(String text, int at) {
    int first = at;
    while (first > 0 && text.charAt(first - 1) == '\\') {
      first--;
    }
    return (at - first) % 2 == 1;
  }

  /** RFC 7239, section 4: pairs, each name at most once. */
  private static Hop element(String text) {
    Optional<String> node = Optional.empty();
    Optional<String> scheme = Optional.empty();
    Matcher pair = PAIR.matcher(text);
    int at = 0;
    while (at < text.length()) {
      if (!pair.find(at) || pair.start() != at || pair.end() < text.length() && text.charAt(pair.end()) != ';') {
        return Hop.SILENT;
      }
      String value = unquoted(pair.group(2));
      switch (pair.group(1).toLowerCase(Locale.ROOT)) {
        case "for" -> {
          if (node.isPresent()) {
            return Hop.SILENT;
          }
          node = Optional.of(value);
        }
        case "proto" -> scheme = Optional.of(value.toLowerCase(Locale.ROOT));
        default -> { }
      }
      at = pair.end() + 1;
    }
    return new Hop(node.flatMap(Forwarded::address), scheme);
  }

  private static String unquoted(String value) {
    return value.startsWith("\"") ? value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1") : value;
  }

  private static Optional<InetAddress> address(String node) {
    Matcher matcher = NODE.matcher(node);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String literal = matcher.group(1) != null ? matcher.group(1) : matcher.group(2) != null ? matcher.group(2) : matcher.group(3);
    try {
      return matcher.group(1) != null && !literal.matches("[0-9]{1,3}(\\.[0-9]{1,3}){3}")
          ? Optional.empty() : Optional.of(InetAddress.ofLiteral(literal));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }
}
