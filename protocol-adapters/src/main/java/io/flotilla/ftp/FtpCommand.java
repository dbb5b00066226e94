package io.flotilla.ftp;

import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Optional;

/** One command as a client sent it. Paths are as given: relative ones begin at the session's directory. */
sealed interface FtpCommand {
  record User(String name) implements FtpCommand {}

  /** The password as text; empty if none was given. */
  record Password(String text) implements FtpCommand {
    @Override
    public String toString() {
      return "Password[secret]";
    }
  }

  record Account() implements FtpCommand {}

  record Reinitialize() implements FtpCommand {}

  record Quit() implements FtpCommand {}

  record NoOperation() implements FtpCommand {}

  record SystemType() implements FtpCommand {}

  record Features() implements FtpCommand {}

  record ClientName() implements FtpCommand {}

  record Help() implements FtpCommand {}

  /** OPTS: an option's name in upper case, and its value. */
  record Option(String name, String value) implements FtpCommand {}

  record Status(Optional<String> path) implements FtpCommand {}

  record Type(boolean ascii) implements FtpCommand {}

  record Mode(boolean deflate) implements FtpCommand {}

  record FileStructure() implements FtpCommand {}

  record Allocate() implements FtpCommand {}

  record PrintDirectory() implements FtpCommand {}

  record ChangeDirectory(String path) implements FtpCommand {}

  record ParentDirectory() implements FtpCommand {}

  record MakeDirectory(String path) implements FtpCommand {}

  record RemoveDirectory(String path) implements FtpCommand {}

  record Delete(String path) implements FtpCommand {}

  record RenameFrom(String path) implements FtpCommand {}

  record RenameTo(String path) implements FtpCommand {}

  record Size(String path) implements FtpCommand {}

  record ModificationTime(String path) implements FtpCommand {}

  /** MFMT and SITE UTIME. */
  record SetModificationTime(Instant time, String path) implements FtpCommand {}

  record ChangeMode(int permissions, String path) implements FtpCommand {}

  record MachineEntry(Optional<String> path) implements FtpCommand {}

  record SiteHelp() implements FtpCommand {}

  record Restart(long offset) implements FtpCommand {}

  record Abort() implements FtpCommand {}

  /** What listing is wanted of a path or pattern. */
  record Listing(Format format, Optional<String> path) implements FtpCommand {
    enum Format { LONG, NAMES, MACHINE }
  }

  record Retrieve(String path) implements FtpCommand {}

  record Store(String path) implements FtpCommand {}

  record Append(String path) implements FtpCommand {}

  record StoreUnique(Optional<String> path) implements FtpCommand {}

  record Passive() implements FtpCommand {}

  /** EPSV: empty for whatever the control connection has. */
  record ExtendedPassive(Optional<AddressFamily> family) implements FtpCommand {}

  record ExtendedPassiveOnly() implements FtpCommand {}

  /** PORT and EPRT. */
  record Port(InetSocketAddress address) implements FtpCommand {}

  /** The numbers of RFC 2428; others are refused with a list of these. */
  enum AddressFamily { IPV4, IPV6 }

  record UnknownFamily() implements FtpCommand {}

  record Hash(String path) implements FtpCommand {}

  record Range(long first, long last) implements FtpCommand {}

  /**
   * XCRC, XMD5 and their kin.
   *
   * @param end the first byte that no longer counts; -1 for the end of the file
   */
  record Checksum(HashAlgorithm algorithm, String path, long start, long end) implements FtpCommand {}

  record Protect(String mechanism) implements FtpCommand {}

  record ProtectionBuffer() implements FtpCommand {}

  record ProtectionLevel(char level) implements FtpCommand {}

  record ClearControl() implements FtpCommand {}

  /** A command of this server with an argument it can't be meant with. */
  record BadArgument(String problem) implements FtpCommand {}

  /** A known command, or parameter, that this server doesn't offer. */
  record NotOffered(int code, String what) implements FtpCommand {}

  record Unknown(String verb) implements FtpCommand {}
}
