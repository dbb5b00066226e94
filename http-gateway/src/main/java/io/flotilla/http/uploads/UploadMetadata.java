package io.flotilla.http.uploads;

import io.flotilla.http.RefusedException;
import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * What a client says of its upload: pairs of a key and a value in Base64 (tus 1.0, Upload-Metadata).
 *
 * @param values by key
 * @param text as it was sent
 */
record UploadMetadata(Map<String, String> values, String text) {
  static UploadMetadata parse(String text) {
    if (!text.chars().allMatch(c -> c >= ' ' && c < 0x7F)) {
      throw malformed("it has other characters than those of ASCII that can be printed"); // such as a tab, which headers may have
    }
    Map<String, String> values = new HashMap<>();
    for (String pair : text.strip().isEmpty() ? new String[0] : text.split(",", -1)) {
      String[] parts = pair.strip().split(" ", -1);
      if (parts.length > 2 || !parts[0].matches("[!-~]+")) {
        throw malformed("each pair of it is a key in ASCII, a space, and a value in Base64");
      }
      try {
        String value = parts.length == 1 ? "" : ByteNames.decode(Base64.getDecoder().decode(parts[1]));
        if (values.put(parts[0], value) != null) {
          throw malformed("the key " + parts[0] + " is there twice");
        }
      } catch (IllegalArgumentException e) {
        throw malformed("the value of " + parts[0] + " is no Base64");
      }
    }
    return new UploadMetadata(Map.copyOf(values), text);
  }

  private static RefusedException malformed(String detail) {
    return RefusedException.malformed("Upload-Metadata: " + detail);
  }

  /** Whether a file that has the name may be replaced. */
  boolean overwrites() {
    return switch (values.getOrDefault("overwrite", "true")) {
      case "true", "" -> true;
      case "false" -> false;
      default -> throw malformed("overwrite must be true or false");
    };
  }

  /** Where the file is to be: {@code path}, or {@code filename} in {@code directory}. */
  VirtualPath path() throws VfsException {
    Optional<String> whole = Optional.ofNullable(values.get("path"));
    Optional<String> name = Optional.ofNullable(values.get("filename"));
    if (whole.isPresent() && values.containsKey("directory")) {
      throw malformed("directory goes with filename, not with path");
    }
    if (whole.isPresent()) {
      return checked(whole.get());
    }
    String given = name.orElseThrow(() -> malformed("path or filename has to say where the file is to be"));
    if (given.indexOf('/') >= 0) {
      throw malformed("a filename has no slash; say directory or path");
    }
    String directory = values.getOrDefault("directory", "/");
    return checked(directory.endsWith("/") ? directory + given : directory + "/" + given);
  }

  private static VirtualPath checked(String path) throws VfsException {
    if (!path.startsWith("/") || path.endsWith("/")) {
      throw malformed("a path begins with a slash and ends with a name");
    }
    for (String name : path.substring(1).split("/", -1)) {
      if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('\0') >= 0) {
        throw malformed("the path has a segment that no file can have as its name");
      }
    }
    return VirtualPath.parse(path);
  }
}
