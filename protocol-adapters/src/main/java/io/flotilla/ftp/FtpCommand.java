package io.flotilla.ftp;

import java.net.InetSocketAddress;
import java.time.Instant;
import java.util.Optional;

/** One command as a client sent it. Paths are as given: relative ones begin at the session's directory. */
sealed interface FtpCommand {
  /** What is served before the login as well. */
  sealed interface Anytime extends FtpCommand {}

  /** What only a user may ask for. */
  sealed interface LoggedIn extends FtpCommand {}

  /** One that uses the data connection, and the offset of a REST before it. */
  sealed interface Transferring extends LoggedIn {}

  record User(String name) implements Anytime {}

  /** The password as text; empty if none was given. */
  record Password(String text) implements Anytime {
    @Override
    public String toString() {
      return "Password[secret]";
    }
  }

  record Account() implements Anytime {}

  record Reinitialize() implements Anytime {}

  record Quit() implements Anytime {}

  record NoOperation() implements Anytime {}

  record SystemType() implements Anytime {}

  record Features() implements Anytime {}

  record ClientName() implements Anytime {}

  record Help() implements Anytime {}

  /** OPTS: an option's name in upper case, and its value. */
  record Option(String name, String value) implements Anytime {}

  record Status(Optional<String> path) implements LoggedIn {}

  record Type(boolean ascii) implements LoggedIn {}

  record Mode(boolean deflate) implements LoggedIn {}

  record FileStructure() implements LoggedIn {}

  record Allocate() implements LoggedIn {}

  record PrintDirectory() implements LoggedIn {}

  record ChangeDirectory(String path) implements LoggedIn {}

  record ParentDirectory() implements LoggedIn {}

  record MakeDirectory(String path) implements LoggedIn {}

  record RemoveDirectory(String path) implements LoggedIn {}

  record Delete(String path) implements LoggedIn {}

  record RenameFrom(String path) implements LoggedIn {}

  record RenameTo(String path) implements LoggedIn {}

  record Size(String path) implements LoggedIn {}

  record ModificationTime(String path) implements LoggedIn {}

  /** MFMT and SITE UTIME. */
  record SetModificationTime(Instant time, String path) implements LoggedIn {}

  record ChangeMode(int permissions, String path) implements LoggedIn {}

  record MachineEntry(Optional<String> path) implements LoggedIn {}

  record SiteHelp() implements LoggedIn {}

  record Restart(long offset) implements LoggedIn {}

  record Abort() implements Anytime {}

  /** What listing is wanted of a path or pattern. */
  record Listing(Format format, Optional<String> path) implements Transferring {
    enum Format { LONG, NAMES, MACHINE }
  }

  record Retrieve(String path) implements Transferring {}

  record Store(String path) implements Transferring {}

  record Append(String path) implements Transferring {}

  record StoreUnique(Optional<String> path) implements Transferring {}

  record Passive() implements LoggedIn {}

  /** EPSV: empty for whatever the control connection has. */
  record ExtendedPassive(Optional<AddressFamily> family) implements LoggedIn {}

  record ExtendedPassiveOnly() implements LoggedIn {}

  /** PORT and EPRT. */
  record Port(InetSocketAddress address) implements LoggedIn {}

  /** The numbers of RFC 2428; others are refused with a list of these. */
  enum AddressFamily { IPV4, IPV6 }

  record UnknownFamily() implements Anytime {}

  record Hash(String path) implements LoggedIn {}

  record Range(long first, long last) implements LoggedIn {}

  /**
   * XCRC, XMD5 and their kin.
   *
   * @param end the first byte that no longer counts; -1 for the end of the file
   */
  record Checksum(HashAlgorithm algorithm, String path, long start, long end) implements LoggedIn {}

  record Protect(String mechanism) implements Anytime {}

  record ProtectionBuffer() implements Anytime {}

  record ProtectionLevel(char level) implements Anytime {}

  record ClearControl() implements Anytime {}

  /** A command of this server with an argument it can't be meant with. */
  record BadArgument(String problem) implements Anytime {}

  /** A known command, or parameter, that this server doesn't offer. */
  record NotOffered(int code, String what) implements Anytime {}

  record Unknown(String verb) implements Anytime {}

  /** A line that was none. */
  record Unreadable(String problem) implements Anytime {}
}
