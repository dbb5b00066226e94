package io.flotilla.vfs;

import java.util.ArrayList;
import java.util.List;

/**
 * A canonical absolute path in a user's tree: made once, before any rule or storage looks at it, so that a file has one
 * spelling. {@code .}, {@code ..} and repeated slashes are resolved lexically beneath the root; {@code ..} at the root
 * stays there. Names are the texts of {@link ByteNames}. Immutable.
 */
public final class VirtualPath implements Comparable<VirtualPath> {
  /** Of a whole path as given and as canonical, in bytes; Linux's PATH_MAX. */
  public static final int MAX_BYTES = 4096;
  /** Of one name, in bytes; Linux's NAME_MAX. */
  public static final int MAX_NAME_BYTES = 255;
  public static final VirtualPath ROOT = new VirtualPath(List.of());

  private final List<String> names;

  private VirtualPath(List<String> names) {
    this.names = names;
  }

  /**
   * Reads a path as a client gave it; a relative one is taken from the root.
   *
   * @throws VfsException with INVALID_NAME for a NUL or a text that no file name can have, NAME_TOO_LONG for a name over
   *     255 or a path over 4,096 bytes
   */
  public static VirtualPath parse(String text) throws VfsException {
    return ROOT.resolve(text);
  }

  /** Reads a path from the wire. Errors as {@link #parse(String)}. */
  public static VirtualPath parse(byte[] bytes) throws VfsException {
    if (bytes.length > MAX_BYTES) {
      throw tooLong();
    }
    return ROOT.resolve(ByteNames.decode(bytes));
  }

  /** This path joined with a relative one, or an absolute one by itself. Errors as {@link #parse(String)}. */
  public VirtualPath resolve(String text) throws VfsException {
    if (text.length() > MAX_BYTES) {
      throw tooLong();
    }
    List<String> result = text.startsWith("/") ? new ArrayList<>() : new ArrayList<>(names);
    int start = 0;
    while (start <= text.length()) {
      int slash = text.indexOf('/', start);
      int end = slash < 0 ? text.length() : slash;
      step(result, text.substring(start, end));
      start = end + 1;
    }
    return checked(result);
  }

  /** The entry of this directory with the given name. Errors as {@link #parse(String)}; a slash is INVALID_NAME too. */
  public VirtualPath child(String name) throws VfsException {
    if (name.isEmpty() || name.equals(".") || name.equals("..") || name.indexOf('/') >= 0) {
      throw new VfsException(VfsError.INVALID_NAME, "a file can't have this name");
    }
    List<String> result = new ArrayList<>(names);
    step(result, name);
    return checked(result);
  }

  public boolean isRoot() {
    return names.isEmpty();
  }

  /** The directory that holds this entry; the root's is the root. */
  public VirtualPath parent() {
    return isRoot() ? this : new VirtualPath(names.subList(0, names.size() - 1));
  }

  /** The last name; empty for the root. */
  public String name() {
    return isRoot() ? "" : names.getLast();
  }

  public List<String> names() {
    return names;
  }

  /** Whether this is the other path or lies beneath it, by whole names. */
  public boolean isWithin(VirtualPath other) {
    return names.size() >= other.names.size() && names.subList(0, other.names.size()).equals(other.names);
  }

  /** This path as it is called from a directory that it lies within. */
  VirtualPath from(VirtualPath directory) {
    return directory.isRoot() ? this : new VirtualPath(names.subList(directory.names.size(), names.size()));
  }

  /** This path beneath a directory; NAME_TOO_LONG if together they have over 4,096 bytes. */
  VirtualPath under(VirtualPath directory) throws VfsException {
    if (directory.isRoot()) {
      return this;
    }
    List<String> result = new ArrayList<>(directory.names);
    result.addAll(names);
    return checked(result);
  }

  @Override
  public int compareTo(VirtualPath other) {
    return toString().compareTo(other.toString());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof VirtualPath path && path.names.equals(names);
  }

  @Override
  public int hashCode() {
    return names.hashCode();
  }

  /** The canonical text, such as {@code /inbox/a.txt}. May hold control characters: escape it before showing it. */
  @Override
  public String toString() {
    return "/" + String.join("/", names);
  }

  /** The canonical text as the bytes that {@link #parse(byte[])} reads. */
  public byte[] bytes() {
    return ByteNames.encode(toString());
  }

  private static void step(List<String> names, String name) throws VfsException {
    switch (name) {
      case "", "." -> { }
      case ".." -> {
        if (!names.isEmpty()) {
          names.removeLast();
        }
      }
      default -> {
        if (name.indexOf('\0') >= 0) {
          throw new VfsException(VfsError.INVALID_NAME, "a file name can't hold a NUL character");
        }
        names.add(name);
      }
    }
  }

  private static VirtualPath checked(List<String> names) throws VfsException {
    int total = 0;
    for (String name : names) {
      int length = byteLength(name);
      total += length + 1;
      if (length > MAX_NAME_BYTES) {
        throw new VfsException(VfsError.NAME_TOO_LONG, "a file name has over " + MAX_NAME_BYTES + " bytes");
      }
    }
    if (total > MAX_BYTES) {
      throw tooLong();
    }
    return new VirtualPath(List.copyOf(names));
  }

  private static int byteLength(String name) throws VfsException {
    try {
      return ByteNames.encode(name).length;
    } catch (IllegalArgumentException e) {
      throw new VfsException(VfsError.INVALID_NAME, e.getMessage());
    }
  }

  private static VfsException tooLong() {
    return new VfsException(VfsError.NAME_TOO_LONG, "the path has over " + MAX_BYTES + " bytes");
  }
}
