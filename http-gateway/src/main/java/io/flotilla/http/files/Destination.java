package io.flotilla.http.files;

import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestPath;
import io.flotilla.vfs.VfsException;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Where a file is to be moved or copied (RFC 4918, 10.3). Stateless. */
public final class Destination {
  private static final Pattern URL = Pattern.compile("(?i)(https?)://([^/?#]*)(/.*)?");
  private static final Pattern AUTHORITY = Pattern.compile("(\\[[0-9A-Fa-f:.]+]|[^\\[\\]:@]+)(?::([0-9]{1,5})?)?");

  private Destination() {}

  /** A host, and its port if one is said. */
  private record Authority(String host, OptionalInt port) {
    static Optional<Authority> parse(String text) {
      Matcher matcher = AUTHORITY.matcher(text);
      if (!matcher.matches()) {
        return Optional.empty();
      }
      OptionalInt port = matcher.group(2) == null ? OptionalInt.empty() : OptionalInt.of(Integer.parseInt(matcher.group(2)));
      return Optional.of(new Authority(matcher.group(1).toLowerCase(Locale.ROOT), port));
    }

    /** A host without a port has the one that is usual for the scheme by which the client calls it. */
    boolean isSame(Authority other, int usualPort) {
      return host.equals(other.host) && port.orElse(usualPort) == other.port.orElse(usualPort);
    }
  }

  /**
   * @param header an absolute URL or an absolute path
   * @param host that the client asked, by its Host header
   */
  public static FileTarget of(String header, Optional<String> host) throws VfsException {
    String text = header.strip();
    Matcher url = URL.matcher(text);
    String path = text;
    if (url.matches()) {
      int usualPort = url.group(1).equalsIgnoreCase("https") ? 443 : 80;
      Authority wanted = Authority.parse(url.group(2))
          .orElseThrow(() -> RefusedException.malformed("the Destination names no host"));
      if (host.flatMap(Authority::parse).filter(own -> own.isSame(wanted, usualPort)).isEmpty()) {
        throw new RefusedException(Problem.of(502, "foreign-destination", "The destination is on another server",
            "files are moved and copied only within this server"));
      }
      path = String.valueOf(url.group(3));
    }
    if (!RequestPath.isBeneath(FileTarget.ROOT, path)) {
      throw RefusedException.malformed("the Destination has to be under /files/");
    }
    return FileTarget.of(path);
  }
}
