package io.flotilla.vfs;

/**
 * How to open a file.
 *
 * @param append every write goes to the end, whatever its position
 * @param create make the file if there is none
 * @param truncate begin with an empty file
 * @param exclusive fail if the name is taken by more than an own upload that broke; one that runs takes it too
 * @param replace whether an upload may take the place of a file that has its name by its end
 */
public record OpenMode(
    boolean read, boolean write, boolean append, boolean create, boolean truncate, boolean exclusive, boolean replace) {
  public static final OpenMode READ = new OpenMode(true, false, false, false, false, false);
  /** A new file, or an old one replaced. */
  public static final OpenMode REPLACE = new OpenMode(false, true, false, true, true, false);
  /** An old file as it is, or a new one. */
  public static final OpenMode EDIT = new OpenMode(false, true, false, true, false, false);
  public static final OpenMode CREATE_NEW = new OpenMode(false, true, false, true, false, true);

  /** One that replaces unless it is exclusive. */
  public OpenMode(boolean read, boolean write, boolean append, boolean create, boolean truncate, boolean exclusive) {
    this(read, write, append, create, truncate, exclusive, !exclusive);
  }

  public OpenMode {
    if (!read && !write) {
      throw new IllegalArgumentException("a file is opened to read, to write, or both");
    }
  }

  /** The same without creating, truncating or appending. */
  public OpenMode asExisting() {
    return new OpenMode(read, write, append, false, false, false);
  }
}
