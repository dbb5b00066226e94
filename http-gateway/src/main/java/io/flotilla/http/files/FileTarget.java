package io.flotilla.http.files;

import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What a request is about: a path beneath {@code /files}. It is decoded once, each segment by itself, so that what a client
 * encodes is part of a name and never leads elsewhere.
 *
 * @param isDirectory whether only a directory can be meant, since the path ends with a slash
 */
record FileTarget(VirtualPath path, boolean isDirectory) {
  private static final String ROOT = "/files";
  private static final Pattern ABSOLUTE_FORM = Pattern.compile("[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*(/.*)?");

  /** Reads a request target in origin-form or absolute-form (RFC 9112, 3.2), without its query. */
  static FileTarget of(String target) throws VfsException {
    Matcher absolute = ABSOLUTE_FORM.matcher(target);
    String path = absolute.matches() ? String.valueOf(absolute.group(1)) : target;
    if (!isBeneathRoot(path)) {
      throw RefusedException.notFound("this server has nothing at that path");
    }
    return ofPath(path);
  }

  static boolean isBeneathRoot(String path) {
    return path.equals(ROOT) || path.startsWith(ROOT + "/");
  }

  /** @param path that {@link #isBeneathRoot} */
  static FileTarget ofPath(String path) throws VfsException {
    String[] segments = path.substring(ROOT.length()).split("/", -1); // the first is what stands before the first slash
    List<String> names = new ArrayList<>();
    for (int i = 1; i < segments.length; i++) {
      if (!segments[i].isEmpty()) {
        names.add(name(segments[i]));
      } else if (i < segments.length - 1) {
        throw RefusedException.malformed("the path has an empty segment");
      }
    }
    boolean isDirectory = segments.length == 1 || segments[segments.length - 1].isEmpty();
    // No name is special any more, so this is child() for each, in one go.
    return new FileTarget(VirtualPath.parse("/" + String.join("/", names)), isDirectory);
  }

  private static String name(String segment) {
    byte[] bytes;
    try {
      bytes = PercentEncoding.decode(segment);
    } catch (IllegalArgumentException e) {
      throw RefusedException.malformed("the path is not well formed: " + e.getMessage());
    }
    String name = ByteNames.decode(bytes);
    if (name.equals(".") || name.equals("..") || name.indexOf('/') >= 0 || name.indexOf('\0') >= 0) {
      throw RefusedException.malformed("the path has a segment that no file can have as its name");
    }
    return name;
  }

  /** The path of a file as a client has to ask for it. */
  static String uriOf(VirtualPath path) {
    StringJoiner uri = new StringJoiner("/");
    uri.add(ROOT);
    path.names().forEach(name -> uri.add(PercentEncoding.encode(ByteNames.encode(name))));
    return uri.toString();
  }
}
