package io.flotilla.sftp;

import io.flotilla.vfs.AttributeChange;
import java.nio.ByteBuffer;
import java.util.List;

/**
 * A request of the client, section 6. Paths are text of {@link io.flotilla.vfs.ByteNames}, not yet judged; a handle is
 * the number this server gave out, or -1 if it can't be one.
 */
sealed interface SftpRequest {
  record Init(int version) implements SftpRequest {}

  /** A request that is answered under its id. */
  sealed interface Numbered extends SftpRequest {
    int id();
  }

  record Open(int id, String path, int flags, Attributes attributes) implements Numbered {}

  record Close(int id, int handle) implements Numbered {}

  /** Length in bytes, 0 or more; a larger one than an int can hold is given as the largest int. */
  record Read(int id, int handle, long offset, int length) implements Numbered {}

  /** The data is a view of the packet: valid until the next one is read. */
  record Write(int id, int handle, long offset, ByteBuffer data) implements Numbered {}

  record Lstat(int id, String path) implements Numbered {}

  record Fstat(int id, int handle) implements Numbered {}

  record SetStat(int id, String path, Attributes attributes, boolean followLinks) implements Numbered {}

  record FsetStat(int id, int handle, Attributes attributes) implements Numbered {}

  record OpenDirectory(int id, String path) implements Numbered {}

  record ReadDirectory(int id, int handle) implements Numbered {}

  record Remove(int id, String path) implements Numbered {}

  record MakeDirectory(int id, String path, Attributes attributes) implements Numbered {}

  record RemoveDirectory(int id, String path) implements Numbered {}

  record RealPath(int id, String path) implements Numbered {}

  record Stat(int id, String path) implements Numbered {}

  record Rename(int id, String from, String to, boolean replace) implements Numbered {}

  record ReadLink(int id, String path) implements Numbered {}

  /** In OpenSSH's order of arguments, which is not the draft's. */
  record Symlink(int id, String target, String link) implements Numbered {}

  record HardLink(int id, String existing, String link) implements Numbered {}

  record Space(int id, String path) implements Numbered {}

  record SpaceOfHandle(int id, int handle) implements Numbered {}

  record Sync(int id, int handle) implements Numbered {}

  record Limits(int id) implements Numbered {}

  record ExpandPath(int id, String path) implements Numbered {}

  /**
   * draft-ietf-secsh-filexfer-extensions-00, section 7.
   *
   * @param length in bytes; 0 means up to the end of the file
   */
  record Copy(int id, int from, long fromOffset, long length, int to, long toOffset) implements Numbered {}

  /** Asks for the names of users and groups, by their numbers. */
  record NamesById(int id, List<Integer> users, List<Integer> groups) implements Numbered {}

  record Unknown(int id, String what) implements Numbered {}

  /** Section 5. An owner is never set, but that the client asked for it is known. */
  record Attributes(AttributeChange change, boolean hasOwner) {
    int permissionsOr(int byDefault) {
      return change.permissions().orElse(byDefault);
    }
  }
}
