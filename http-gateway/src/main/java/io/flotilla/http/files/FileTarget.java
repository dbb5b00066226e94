package io.flotilla.http.files;

import io.flotilla.http.PercentEncoding;
import io.flotilla.http.RefusedException;
import io.flotilla.http.RequestPath;
import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.List;
import java.util.StringJoiner;

/**
 * What a request is about: a path of the user's tree, beneath a root of this server's paths. It is decoded once, each segment by
 * itself, so that what a client encodes is part of a name and never leads elsewhere.
 *
 * @param isDirectory whether only a directory can be meant, since the path ends with a slash
 */
public record FileTarget(VirtualPath path, boolean isDirectory) {
  public static final String ROOT = "/files";

  /** Reads a path beneath {@link #ROOT}. */
  static FileTarget of(String path) throws VfsException {
    return beneath(ROOT, path);
  }

  /** Reads a path beneath a root, as it was sent. */
  public static FileTarget beneath(String root, String path) throws VfsException {
    if (!RequestPath.isBeneath(root, path)) {
      throw RefusedException.notFound("this server has nothing at that path");
    }
    String[] segments = path.substring(root.length()).split("/", -1); // the first is what stands before the first slash
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
  public static String uriOf(VirtualPath path) {
    return uriOf(ROOT, path);
  }

  /** The same beneath another root. */
  public static String uriOf(String root, VirtualPath path) {
    StringJoiner uri = new StringJoiner("/");
    uri.add(root);
    path.names().forEach(name -> uri.add(PercentEncoding.encode(ByteNames.encode(name))));
    return uri.toString();
  }
}
