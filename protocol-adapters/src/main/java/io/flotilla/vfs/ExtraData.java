package io.flotilla.vfs;

import java.nio.charset.StandardCharsets;

/** What is kept beside a file's contents, and goes where the file is renamed to. In the file system it is an extended attribute. */
public enum ExtraData {
  /** The properties that clients gave a file by WebDAV. */
  PROPERTIES("flotilla.properties");

  /** Of the data of one name, in bytes; Linux's XATTR_SIZE_MAX. Many file systems hold less: ext4 about 4,000. */
  public static final int MAX_BYTES = 64 * 1024;

  private final String attribute;

  ExtraData(String attribute) {
    this.attribute = attribute;
  }

  /** What is kept beside a file that is replaced, as far as it is and can be: the contents are what was asked for. */
  static void inherit(VirtualFileSystem files, VirtualPath replaced, VirtualPath replacing) {
    for (ExtraData name : values()) {
      try {
        byte[] data = files.extraData(replaced, name);
        if (data.length > 0) {
          files.setExtraData(replacing, name, data);
        }
      } catch (VfsException e) {
        // there is no such file, or no room
      }
    }
  }

  /** The attribute's name without its name space. */
  String attribute() {
    return attribute;
  }

  /** The same with it, as Linux has it. */
  byte[] linuxName() {
    return ("user." + attribute).getBytes(StandardCharsets.US_ASCII);
  }
}
