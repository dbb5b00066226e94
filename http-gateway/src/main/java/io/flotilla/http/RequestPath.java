package io.flotilla.http;

import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;

/** The path of a request as it was sent: Pekko's is decoded, and a name can't be told from a path in it. Stateless. */
public final class RequestPath {
  private static final Pattern ABSOLUTE_FORM = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(/.*)?");

  private RequestPath() {}

  /** Of a request, as {@link #ofTarget} has it. */
  public static String of(HttpRequest request) {
    return ofTarget(request.getHeader("Raw-Request-URI").map(HttpHeader::value).orElse("/"));
  }

  /** The path of a request target in origin-form or absolute-form (RFC 9112, 3.2), without its query. */
  public static String ofTarget(String target) {
    int question = target.indexOf('?');
    String path = question < 0 ? target : target.substring(0, question);
    Matcher absolute = ABSOLUTE_FORM.matcher(path);
    return !absolute.matches() ? path : absolute.group(1) == null ? "/" : absolute.group(1);
  }

  /** Whether a path is one of another's, or that path itself. */
  public static boolean isBeneath(String root, String path) {
    return path.equals(root) || path.startsWith(root + "/");
  }
}
