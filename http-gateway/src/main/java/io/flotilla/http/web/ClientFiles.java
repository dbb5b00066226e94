package io.flotilla.http.web;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;

/**
 * The files of the page, read once. Modules import each other by relative names, so all of them have one path with a fingerprint of
 * all of them: a browser keeps them for as long as nothing of them has changed.
 *
 * @param version that fingerprint
 * @param byName all but the page itself
 */
record ClientFiles(String version, Asset page, Map<String, Asset> byName) {
  /** Exactly what is served: no path of a request ever becomes the name of a resource. */
  static final List<String> MODULES = List.of("account-menu.js", "api.js", "app.js", "dialogs.js", "directory.js", "dom.js",
      "dropped-files.js", "file-actions.js", "file-browser.js", "file-list.js", "folder-chooser.js", "format.js", "icons.js", "names.js",
      "notices.js", "password-dialog.js", "paths.js", "preview.js", "problem.js", "selection.js", "session.js", "sign-in.js", "theme.js",
      "transfer-list.js", "tus-upload.js", "upload-memory.js", "uploads.js");
  static final List<String> STYLES = List.of("base.css", "browser.css", "dialogs.css", "list.css", "sign-in.css", "transfers.css");
  static final List<String> ICONS = List.of("icon.svg");
  private static final String PAGE = "index.html";
  private static final String VERSION = "VERSION";
  private static final String PRELOADED = "<!-- modules -->";

  static ClientFiles read() {
    Map<String, byte[]> contents = new HashMap<>();
    MODULES.forEach(name -> contents.put(name, resource(name)));
    STYLES.forEach(name -> contents.put(name, resource(name)));
    ICONS.forEach(name -> contents.put(name, resource(name)));
    String version = Asset.fingerprint(contents.entrySet().stream().sorted(Map.Entry.comparingByKey())
        .map(Map.Entry::getValue).toArray(byte[][]::new));
    Map<String, Asset> assets = contents.entrySet().stream()
        .collect(Collectors.toUnmodifiableMap(Map.Entry::getKey, entry -> Asset.of(type(entry.getKey()), entry.getValue())));
    return new ClientFiles(version, Asset.of(ContentTypes.TEXT_HTML_UTF8, page(version).getBytes(StandardCharsets.UTF_8)), assets);
  }

  /** All modules are named in it, so that a browser asks for them at once and not for each when it has read another. */
  private static String page(String version) {
    String preloads = MODULES.stream().map(name -> "<link rel=\"modulepreload\" href=\"/client/VERSION/" + name + "\">")
        .collect(Collectors.joining("\n"));
    return new String(resource(PAGE), StandardCharsets.UTF_8).replace(PRELOADED, preloads).replace(VERSION, version);
  }

  private static ContentType type(String name) {
    return ContentTypes.parse(switch (name.substring(name.lastIndexOf('.'))) {
      case ".js" -> "text/javascript; charset=UTF-8";
      case ".css" -> "text/css; charset=UTF-8";
      default -> "image/svg+xml";
    });
  }

  private static byte[] resource(String name) {
    try (InputStream in = ClientFiles.class.getResourceAsStream(name)) {
      if (in == null) {
        throw new IllegalStateException("this build lacks " + name + " of the web client");
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException("the web client could not be read", e);
    }
  }
}
