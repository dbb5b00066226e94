package io.flotilla.sftp;

import java.util.List;

/** Numbers of draft-ietf-secsh-filexfer-02 and the limits of this server. */
final class Sftp {
  static final int VERSION = 3;

  static final int INIT = 1;
  static final int VERSION_REPLY = 2;
  static final int OPEN = 3;
  static final int CLOSE = 4;
  static final int READ = 5;
  static final int WRITE = 6;
  static final int LSTAT = 7;
  static final int FSTAT = 8;
  static final int SETSTAT = 9;
  static final int FSETSTAT = 10;
  static final int OPENDIR = 11;
  static final int READDIR = 12;
  static final int REMOVE = 13;
  static final int MKDIR = 14;
  static final int RMDIR = 15;
  static final int REALPATH = 16;
  static final int STAT = 17;
  static final int RENAME = 18;
  static final int READLINK = 19;
  static final int SYMLINK = 20;
  static final int STATUS = 101;
  static final int HANDLE = 102;
  static final int DATA = 103;
  static final int NAME = 104;
  static final int ATTRS = 105;
  static final int EXTENDED = 200;
  static final int EXTENDED_REPLY = 201;

  static final int OPEN_READ = 0x01;
  static final int OPEN_WRITE = 0x02;
  static final int OPEN_APPEND = 0x04;
  static final int OPEN_CREATE = 0x08;
  static final int OPEN_TRUNCATE = 0x10;
  static final int OPEN_EXCLUSIVE = 0x20;

  static final int ATTR_SIZE = 0x01;
  static final int ATTR_OWNER = 0x02;
  static final int ATTR_PERMISSIONS = 0x04;
  static final int ATTR_TIMES = 0x08;
  static final int ATTR_EXTENDED = 0x80000000;

  /** OpenSSH's own limits: a packet of 256 KiB, of which 1 KiB is for what is around the data. */
  static final int MAX_PACKET = 256 * 1024;
  static final int MAX_DATA = MAX_PACKET - 1024;
  /** Some clients write in pieces of 256 KiB and then some: the packet may be that much longer. */
  static final int MAX_INCOMING = MAX_PACKET + 4096;
  static final int MAX_HANDLES = 1000;
  /** What one request may ask the names of; a client asks for those that a listing holds. */
  static final int MAX_IDS = 1000;

  /** One extension and its version, as announced. */
  record Extension(String name, String version) {}

  static final List<Extension> EXTENSIONS = List.of(
      new Extension("posix-rename@openssh.com", "1"),
      new Extension("statvfs@openssh.com", "2"),
      new Extension("fstatvfs@openssh.com", "2"),
      new Extension("hardlink@openssh.com", "1"),
      new Extension("fsync@openssh.com", "1"),
      new Extension("lsetstat@openssh.com", "1"),
      new Extension("limits@openssh.com", "1"),
      new Extension("expand-path@openssh.com", "1"),
      new Extension("copy-data", "1"),
      new Extension("users-groups-by-id@openssh.com", "1"));

  private Sftp() {}
}
