package io.flotilla.ftp;

import io.flotilla.vfs.ByteNames;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.time.LocalDateTime;
import java.time.ZoneOffset;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Makes a command of a line. A verb may be in any case; one space parts it from its argument, which is taken as it is,
 * because a name may begin or end with spaces. Never fails and holds no state.
 */
final class FtpParser {
  private static final Pattern TIME = Pattern.compile("(\\d{14})(?:\\.(\\d{1,9}))?");
  private static final Pattern SHORT_TIME = Pattern.compile("(\\d{12})(\\d{2})? (.+)", Pattern.DOTALL);
  /** {@code SITE UTIME name accessed modified created UTC}, as some clients have it. */
  private static final Pattern UNIX_TIMES = Pattern.compile("(.+) \\d{14} (\\d{14}) \\d{14} UTC", Pattern.DOTALL);
  private static final Pattern NUMBER = Pattern.compile("\\d{1,18}");
  private static final Pattern PORT = Pattern.compile("(\\d{1,3}),(\\d{1,3}),(\\d{1,3}),(\\d{1,3}),(\\d{1,3}),(\\d{1,3})");
  private static final Pattern IPV4 = Pattern.compile("\\d{1,3}(\\.\\d{1,3}){3}");
  private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*");
  /** What clients give {@code ls} and thus LIST; it changes nothing here. */
  private static final Pattern LIST_OPTION = Pattern.compile("-[A-Za-z1]+");
  private static final Pattern CHECKSUM_RANGE = Pattern.compile("(.+?)(?:[ ,](\\d{1,18}))?(?:[ ,](\\d{1,18}))?", Pattern.DOTALL);
  private static final Pattern MODE_AND_PATH = Pattern.compile("([0-7]{1,5}) (.+)", Pattern.DOTALL);
  private static final int MAX_VERB = 12;

  private FtpParser() {}

  static FtpCommand parse(byte[] line) {
    String text = ByteNames.decode(line);
    int space = text.indexOf(' ');
    String verb = (space < 0 ? text : text.substring(0, space)).toUpperCase(Locale.ROOT);
    String argument = space < 0 ? "" : text.substring(space + 1);
    if (verb.length() > MAX_VERB) {
      return new FtpCommand.Unknown(verb.substring(0, MAX_VERB));
    }
    return switch (verb) {
      case "USER" -> needed(verb, argument, FtpCommand.User::new);
      case "PASS" -> new FtpCommand.Password(space < 0 ? "" : password(line, space + 1));
      case "ACCT" -> new FtpCommand.Account();
      case "REIN" -> new FtpCommand.Reinitialize();
      case "QUIT" -> new FtpCommand.Quit();
      case "NOOP" -> new FtpCommand.NoOperation();
      case "SYST" -> new FtpCommand.SystemType();
      case "FEAT" -> new FtpCommand.Features();
      case "CLNT", "CSID" -> new FtpCommand.ClientName();
      case "HELP" -> new FtpCommand.Help();
      case "OPTS" -> needed(verb, argument, FtpParser::option);
      case "STAT" -> new FtpCommand.Status(listed(argument));
      case "TYPE" -> needed(verb, argument, FtpParser::type);
      case "MODE" -> needed(verb, argument, FtpParser::mode);
      case "STRU" -> argument.strip().equalsIgnoreCase("F") ? new FtpCommand.FileStructure()
          : new FtpCommand.NotOffered(504, "only file structure (F) is offered");
      case "ALLO" -> new FtpCommand.Allocate();
      case "PWD", "XPWD" -> new FtpCommand.PrintDirectory();
      case "CWD", "XCWD" -> new FtpCommand.ChangeDirectory(argument.isEmpty() ? "/" : argument);
      case "CDUP", "XCUP" -> new FtpCommand.ParentDirectory();
      case "MKD", "XMKD" -> needed(verb, argument, FtpCommand.MakeDirectory::new);
      case "RMD", "XRMD" -> needed(verb, argument, FtpCommand.RemoveDirectory::new);
      case "DELE" -> needed(verb, argument, FtpCommand.Delete::new);
      case "RNFR" -> needed(verb, argument, FtpCommand.RenameFrom::new);
      case "RNTO" -> needed(verb, argument, FtpCommand.RenameTo::new);
      case "SIZE" -> needed(verb, argument, FtpCommand.Size::new);
      case "MDTM" -> needed(verb, argument, FtpCommand.ModificationTime::new);
      case "MFMT" -> needed(verb, argument, FtpParser::modifyTime);
      case "MLST" -> new FtpCommand.MachineEntry(optional(argument));
      case "SITE" -> needed(verb, argument, FtpParser::site);
      case "REST" -> needed(verb, argument, FtpParser::restart);
      case "ABOR" -> new FtpCommand.Abort();
      case "LIST" -> new FtpCommand.Listing(FtpCommand.Listing.Format.LONG, listed(argument));
      case "NLST" -> new FtpCommand.Listing(FtpCommand.Listing.Format.NAMES, listed(argument));
      case "MLSD" -> new FtpCommand.Listing(FtpCommand.Listing.Format.MACHINE, optional(argument));
      case "RETR" -> needed(verb, argument, FtpCommand.Retrieve::new);
      case "STOR" -> needed(verb, argument, FtpCommand.Store::new);
      case "APPE" -> needed(verb, argument, FtpCommand.Append::new);
      case "STOU" -> new FtpCommand.StoreUnique(optional(argument));
      case "PASV" -> new FtpCommand.Passive();
      case "EPSV" -> extendedPassive(argument.strip());
      case "PORT" -> needed(verb, argument, FtpParser::port);
      case "EPRT" -> needed(verb, argument, FtpParser::extendedPort);
      case "HASH" -> needed(verb, argument, FtpCommand.Hash::new);
      case "RANG" -> needed(verb, argument, FtpParser::range);
      case "XCRC" -> needed(verb, argument, a -> checksum(HashAlgorithm.CRC32, a));
      case "XMD5" -> needed(verb, argument, a -> checksum(HashAlgorithm.MD5, a));
      case "XSHA", "XSHA1" -> needed(verb, argument, a -> checksum(HashAlgorithm.SHA_1, a));
      case "XSHA256" -> needed(verb, argument, a -> checksum(HashAlgorithm.SHA_256, a));
      case "XSHA512" -> needed(verb, argument, a -> checksum(HashAlgorithm.SHA_512, a));
      case "AUTH" -> needed(verb, argument, a -> new FtpCommand.Protect(a.strip().toUpperCase(Locale.ROOT)));
      case "PBSZ" -> new FtpCommand.ProtectionBuffer();
      case "PROT" -> needed(verb, argument, a -> a.strip().length() == 1
          ? new FtpCommand.ProtectionLevel(Character.toUpperCase(a.strip().charAt(0)))
          : new FtpCommand.NotOffered(504, "the protection levels are C and P"));
      case "CCC" -> new FtpCommand.ClearControl();
      case "SMNT", "MACB", "ADAT", "CONF", "ENC", "MIC", "LANG", "HOST" ->
          new FtpCommand.NotOffered(502, verb + " is not offered");
      default -> new FtpCommand.Unknown(verb);
    };
  }

  private static FtpCommand needed(String verb, String argument, Function<String, FtpCommand> command) {
    return argument.isEmpty() ? new FtpCommand.BadArgument(verb + " needs an argument") : command.apply(argument);
  }

  private static Optional<String> optional(String argument) {
    return argument.isEmpty() ? Optional.empty() : Optional.of(argument);
  }

  /** A path after the options that clients give ls. A file whose name begins with a dash is reached by {@code ./}. */
  private static Optional<String> listed(String argument) {
    String rest = argument;
    while (rest.startsWith("-")) {
      int space = rest.indexOf(' ');
      String first = space < 0 ? rest : rest.substring(0, space);
      if (!LIST_OPTION.matcher(first).matches()) {
        break;
      }
      rest = space < 0 ? "" : rest.substring(space + 1);
    }
    return rest.isBlank() ? Optional.empty() : Optional.of(rest);
  }

  /** UTF-8, as passwords are hashed; what can't be that is Latin-1, which old clients send. */
  private static String password(byte[] line, int start) {
    ByteBuffer bytes = ByteBuffer.wrap(line, start, line.length - start);
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes.duplicate()).toString();
    } catch (CharacterCodingException e) {
      return StandardCharsets.ISO_8859_1.decode(bytes).toString();
    }
  }

  private static FtpCommand option(String argument) {
    int space = argument.indexOf(' ');
    return new FtpCommand.Option((space < 0 ? argument : argument.substring(0, space)).toUpperCase(Locale.ROOT),
        space < 0 ? "" : argument.substring(space + 1).strip());
  }

  private static FtpCommand type(String argument) {
    return switch (argument.strip().toUpperCase(Locale.ROOT)) {
      case "A", "A N" -> new FtpCommand.Type(true);
      case "I", "L 8", "L8" -> new FtpCommand.Type(false);
      default -> new FtpCommand.NotOffered(504, "the types A and I are offered");
    };
  }

  private static FtpCommand mode(String argument) {
    return switch (argument.strip().toUpperCase(Locale.ROOT)) {
      case "S" -> new FtpCommand.Mode(false);
      case "Z" -> new FtpCommand.Mode(true);
      default -> new FtpCommand.NotOffered(504, "the modes S and Z are offered");
    };
  }

  private static FtpCommand modifyTime(String argument) {
    int space = argument.indexOf(' ');
    if (space > 0 && space < argument.length() - 1) {
      Optional<Instant> time = time(argument.substring(0, space));
      if (time.isPresent()) {
        return new FtpCommand.SetModificationTime(time.get(), argument.substring(space + 1));
      }
    }
    return new FtpCommand.BadArgument("it is MFMT YYYYMMDDHHMMSS path");
  }

  /** A time value of RFC 3659, section 2.3. */
  private static Optional<Instant> time(String text) {
    Matcher matcher = TIME.matcher(text);
    if (!matcher.matches()) {
      return Optional.empty();
    }
    String digits = matcher.group(1);
    String fraction = matcher.group(2) == null ? "" : matcher.group(2);
    try {
      return Optional.of(LocalDateTime.of(number(digits, 0, 4), number(digits, 4, 6), number(digits, 6, 8),
          number(digits, 8, 10), number(digits, 10, 12), number(digits, 12, 14),
          Integer.parseInt((fraction + "000000000").substring(0, 9))).toInstant(ZoneOffset.UTC));
    } catch (DateTimeException e) {
      return Optional.empty();
    }
  }

  private static int number(String digits, int from, int to) {
    return Integer.parseInt(digits.substring(from, to));
  }

  private static FtpCommand site(String argument) {
    int space = argument.indexOf(' ');
    String verb = (space < 0 ? argument : argument.substring(0, space)).toUpperCase(Locale.ROOT);
    String rest = space < 0 ? "" : argument.substring(space + 1);
    return switch (verb) {
      case "CHMOD" -> changeMode(rest);
      case "UTIME" -> unixTime(rest);
      case "HELP" -> new FtpCommand.SiteHelp();
      default -> new FtpCommand.NotOffered(504, "SITE offers CHMOD, UTIME and HELP");
    };
  }

  private static FtpCommand changeMode(String argument) {
    Matcher matcher = MODE_AND_PATH.matcher(argument);
    return matcher.matches() ? new FtpCommand.ChangeMode(Integer.parseInt(matcher.group(1), 8), matcher.group(2))
        : new FtpCommand.BadArgument("it is SITE CHMOD 644 path");
  }

  private static FtpCommand unixTime(String argument) {
    Matcher three = UNIX_TIMES.matcher(argument);
    Matcher one = SHORT_TIME.matcher(argument);
    if (three.matches()) {
      Optional<Instant> time = time(three.group(2));
      if (time.isPresent()) {
        return new FtpCommand.SetModificationTime(time.get(), three.group(1));
      }
    } else if (one.matches()) {
      Optional<Instant> time = time(one.group(1) + (one.group(2) == null ? "00" : one.group(2)));
      if (time.isPresent()) {
        return new FtpCommand.SetModificationTime(time.get(), one.group(3));
      }
    }
    return new FtpCommand.BadArgument("it is SITE UTIME YYYYMMDDHHMMSS path");
  }

  private static FtpCommand restart(String argument) {
    String number = argument.strip();
    return NUMBER.matcher(number).matches() ? new FtpCommand.Restart(Long.parseLong(number))
        : new FtpCommand.BadArgument("the restart point is a number of bytes");
  }

  private static FtpCommand extendedPassive(String argument) {
    return switch (argument.toUpperCase(Locale.ROOT)) {
      case "" -> new FtpCommand.ExtendedPassive(Optional.empty());
      case "1" -> new FtpCommand.ExtendedPassive(Optional.of(FtpCommand.AddressFamily.IPV4));
      case "2" -> new FtpCommand.ExtendedPassive(Optional.of(FtpCommand.AddressFamily.IPV6));
      case "ALL" -> new FtpCommand.ExtendedPassiveOnly();
      default -> new FtpCommand.UnknownFamily();
    };
  }

  private static FtpCommand port(String argument) {
    Matcher matcher = PORT.matcher(argument.strip());
    if (matcher.matches()) {
      byte[] numbers = new byte[6];
      for (int i = 0; i < numbers.length; i++) {
        int number = Integer.parseInt(matcher.group(i + 1));
        if (number > 255) {
          return badPort();
        }
        numbers[i] = (byte) number;
      }
      return address(java.util.Arrays.copyOf(numbers, 4), (numbers[4] & 0xFF) << 8 | numbers[5] & 0xFF);
    }
    return badPort();
  }

  private static FtpCommand extendedPort(String argument) {
    String text = argument.strip();
    String[] parts = text.isEmpty() ? new String[0] : text.split(Pattern.quote(text.substring(0, 1)), -1);
    if (parts.length != 5 || !parts[0].isEmpty() || !parts[4].isEmpty() || !parts[3].matches("\\d{1,5}")) {
      return new FtpCommand.BadArgument("it is EPRT |family|address|port|");
    }
    boolean literal = switch (parts[1]) {
      case "1" -> IPV4.matcher(parts[2]).matches();
      case "2" -> IPV6.matcher(parts[2]).matches();
      default -> false;
    };
    if (!parts[1].equals("1") && !parts[1].equals("2")) {
      return new FtpCommand.UnknownFamily();
    }
    try {
      return literal ? address(InetAddress.ofLiteral(parts[2]).getAddress(), Integer.parseInt(parts[3])) : badPort();
    } catch (IllegalArgumentException e) {
      return badPort();
    }
  }

  private static FtpCommand address(byte[] address, int port) {
    try {
      return port < 1 || port > 65535 ? badPort()
          : new FtpCommand.Port(new InetSocketAddress(InetAddress.getByAddress(address), port));
    } catch (UnknownHostException e) {
      throw new IllegalStateException("an address has 4 or 16 bytes", e);
    }
  }

  private static FtpCommand badPort() {
    return new FtpCommand.BadArgument("that is no address and port");
  }

  private static FtpCommand range(String argument) {
    String[] numbers = argument.strip().split(" ");
    if (numbers.length == 2 && NUMBER.matcher(numbers[0]).matches() && NUMBER.matcher(numbers[1]).matches()) {
      return new FtpCommand.Range(Long.parseLong(numbers[0]), Long.parseLong(numbers[1]));
    }
    return new FtpCommand.BadArgument("it is RANG first last");
  }

  /** {@code name}, {@code "name"}, each perhaps with the first byte and the byte after the last. */
  private static FtpCommand checksum(HashAlgorithm algorithm, String argument) {
    int quote = argument.startsWith("\"") ? argument.lastIndexOf('"') : 0;
    Matcher matcher = CHECKSUM_RANGE.matcher(quote > 0 ? "x" + argument.substring(quote + 1) : argument);
    if (!matcher.matches()) {
      return new FtpCommand.BadArgument("it is a path, and perhaps where to start and end");
    }
    String path = quote > 0 ? argument.substring(1, quote).replace("\"\"", "\"") : matcher.group(1);
    return new FtpCommand.Checksum(algorithm, path, bound(matcher.group(2), 0), bound(matcher.group(3), -1));
  }

  private static long bound(String digits, long absent) {
    return digits == null ? absent : Long.parseLong(digits);
  }
}
