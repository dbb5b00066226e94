package io.flotilla.http.web;

import io.flotilla.http.Problem;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestHeaders;
import io.flotilla.http.RequestPath;
import io.flotilla.http.files.FileTarget;
import io.flotilla.http.server.GuestRequests;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;

/**
 * The page at {@code /} and what it loads from {@code /client/}: GET and HEAD, for whoever comes, since there is nothing in it that not
 * everybody may know. What a browser runs in this server's name is this alone, and the headers say so.
 */
public final class WebClient implements GuestRequests {
  static final String CONTENT_SECURITY_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
      + "connect-src 'self'; frame-src blob:; object-src 'none'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";
  private static final String PAGE = "/";
  private static final String ASSETS = "/client";
  private static final String METHODS = "GET, HEAD";
  private static final List<HttpHeader> STRICT = List.of(
      RawHeader.create("Content-Security-Policy", CONTENT_SECURITY_POLICY),
      RawHeader.create("X-Content-Type-Options", "nosniff"),
      RawHeader.create("Referrer-Policy", "no-referrer"),
      RawHeader.create("Cross-Origin-Opener-Policy", "same-origin"),
      RawHeader.create("Cross-Origin-Resource-Policy", "same-origin"),
      RawHeader.create("X-Frame-Options", "DENY"));

  private final ClientFiles files = ClientFiles.read();

  @Override
  public Optional<HttpResponse> answer(HttpRequest request, String path, boolean isOpen) {
    if (!path.equals(PAGE) && !RequestPath.isBeneath(ASSETS, path)) {
      return Optional.empty();
    }
    String method = request.method().value();
    if (!isOpen) {
      return Optional.of(missing());
    }
    if (!method.equals("GET") && !method.equals("HEAD")) {
      return Optional.of(Problem.of(405, "method-not-allowed", "Not with this method", "this path takes " + METHODS).toResponse()
          .addHeader(RawHeader.create("Allow", METHODS)));
    }
    return Optional.of(path.equals(PAGE) ? send(request, files.page(), "no-cache") : asset(request, path));
  }

  private static HttpResponse missing() {
    return RefusedException.notFound("this server has nothing at that path").toResponse()
        .addHeader(RawHeader.create("X-Content-Type-Options", "nosniff"));
  }

  /** The version is a part of the path. While nodes of two releases serve, a page may ask the other's node: it gets what is there. */
  private HttpResponse asset(HttpRequest request, String path) {
    String[] segments = path.substring(ASSETS.length()).split("/", -1);
    Asset asset = segments.length == 3 ? files.byName().get(segments[2]) : null;
    if (asset == null) {
      return missing();
    }
    return send(request, asset,
        segments[1].equals(files.version()) ? "public, max-age=31536000, immutable" : "no-store");
  }

  private static HttpResponse send(HttpRequest request, Asset asset, String caching) {
    RequestHeaders headers = new RequestHeaders(request);
    boolean isCompressed = asset.gzip().isPresent() && headers.value("Accept-Encoding").filter(WebClient::takesGzip).isPresent();
    // Of each form one, since a strong tag is of bytes (RFC 9110, 8.8.3.3).
    String tag = isCompressed ? asset.tag().substring(0, asset.tag().length() - 1) + "-gzip\"" : asset.tag();
    HttpResponse response = HttpResponse.create().addHeaders(STRICT)
        .addHeader(RawHeader.create("Cache-Control", caching))
        .addHeader(RawHeader.create("ETag", tag))
        .addHeader(RawHeader.create("Vary", "Accept-Encoding"));
    if (headers.value("If-None-Match").filter(tags -> isKnown(tags, tag)).isPresent()) {
      return response.withStatus(StatusCodes.NOT_MODIFIED);
    }
    return (isCompressed ? response.addHeader(RawHeader.create("Content-Encoding", "gzip")) : response)
        .withEntity(HttpEntities.create(asset.type(), isCompressed ? asset.gzip().get() : asset.bytes()));
  }

  /** Whether a list of tags has one; those of this server hold no comma (RFC 9110, 13.1.2: the comparison is weak). */
  private static boolean isKnown(String list, String tag) {
    return list.strip().equals("*") || Arrays.stream(list.split(","))
        .map(String::strip).map(one -> one.startsWith("W/") ? one.substring(2) : one).anyMatch(tag::equals);
  }

  /** Whether the codings that a client takes have gzip (RFC 9110, 12.5.3). */
  private static boolean takesGzip(String codings) {
    return Arrays.stream(codings.toLowerCase(Locale.ROOT).split(",")).map(coding -> coding.replace(" ", "").split(";"))
        .anyMatch(coding -> coding[0].equals("gzip") && (coding.length < 2 || !coding[1].matches("q=0(\\.0*)?")));
  }

  /** A link to a file or a directory, opened in a browser, leads to the page, which asks for the login and then shows it. */
  @Override
  public Optional<HttpResponse> welcome(HttpRequest request, String path) {
    RequestHeaders headers = new RequestHeaders(request);
    boolean isNavigation = request.method().value().equals("GET") && headers.value("Sec-Fetch-Mode").filter("navigate"::equals).isPresent()
        && headers.value("Accept").filter(types -> types.contains("text/html")).isPresent();
    return isNavigation && RequestPath.isBeneath(FileTarget.ROOT, path)
        ? Optional.of(HttpResponse.create().withStatus(StatusCodes.SEE_OTHER).addHeaders(STRICT)
            .addHeader(RawHeader.create("Cache-Control", "no-store"))
            .addHeader(RawHeader.create("Location", "/#" + hash(path))))
        : Optional.empty();
  }

  /** What else than a path could be in it is refused by whoever is asked for it. */
  private static String hash(String path) {
    String rest = path.substring(FileTarget.ROOT.length());
    return rest.isEmpty() ? "/" : rest;
  }
}
