package io.flotilla.ftp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.TransferLog;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Serves the commands of one user from login to logout: translates and maps errors; what the operations mean is the file
 * system's. Used by one thread at a time; while a task runs, only by the task's.
 */
final class UserCommands implements AutoCloseable {
  private static final int DIRECTORY_PERMISSIONS = 0777;
  private static final int LOWEST_ACTIVE_PORT = 1024;
  private static final int LISTING_PART = 32 * 1024;
  private static final int DEFAULT_LEVEL = 6;

  private final FtpSession session;
  private final FtpEngine engine;
  private final ControlWriter out;
  private final VirtualFileSystem files;
  private final String user;
  private final TransferLog transfers;
  private VirtualPath directory = VirtualPath.ROOT;
  private boolean ascii = true;
  private boolean deflate;
  private int level = DEFAULT_LEVEL;
  private MachineFacts facts = MachineFacts.ALL;
  private HashAlgorithm hash = HashAlgorithm.SHA_256;
  private long restart;
  private FtpCommand.Range range;
  private VirtualPath renameFrom;
  private boolean onlyExtended;

  /**
   * @param files closed with this
   */
  UserCommands(FtpSession session, FtpEngine engine, ControlWriter out, VirtualFileSystem files, String user,
      TransferLog transfers) {
    this.session = session;
    this.engine = engine;
    this.out = out;
    this.files = files;
    this.user = user;
    this.transfers = transfers;
  }

  MachineFacts facts() {
    return facts;
  }

  HashAlgorithm hash() {
    return hash;
  }

  /** Serves one command, or returns the task that does and that sends its reply. */
  Optional<DataTask> serve(FtpCommand.LoggedIn command) throws IOException {
    VirtualPath from = renameFrom;
    renameFrom = null; // RNTO follows RNFR at once
    long offset = restart;
    if (command instanceof FtpCommand.Transferring) {
      restart = 0; // whatever becomes of the next transfer, REST is not for the one after it
    }
    switch (command) {
      case FtpCommand.Status c -> status(c.path());
      case FtpCommand.Type c -> {
        ascii = c.ascii();
        out.reply(200, "Type set to " + (ascii ? "A" : "I"));
      }
      case FtpCommand.Mode c -> {
        deflate = c.deflate();
        out.reply(200, "Mode set to " + (deflate ? "Z" : "S"));
      }
      case FtpCommand.FileStructure _ -> out.reply(200, "Structure set to F");
      case FtpCommand.Allocate _ -> out.reply(202, "No room has to be allocated");
      case FtpCommand.PrintDirectory _ -> out.reply(257, quoted(directory) + " is the current directory");
      case FtpCommand.ChangeDirectory c -> changeDirectory(home(c.path()));
      case FtpCommand.ParentDirectory _ -> changeDirectory(directory.parent());
      case FtpCommand.MakeDirectory c -> {
        VirtualPath path = path(c.path());
        files.makeDirectory(path, DIRECTORY_PERMISSIONS);
        out.reply(257, quoted(path) + " created");
      }
      case FtpCommand.RemoveDirectory c -> {
        files.removeDirectory(path(c.path()));
        out.reply(250, "Directory removed");
      }
      case FtpCommand.Delete c -> {
        files.removeFile(path(c.path()));
        out.reply(250, "File removed");
      }
      case FtpCommand.RenameFrom c -> {
        VirtualPath path = path(c.path());
        files.lstat(path);
        renameFrom = path;
        out.reply(350, "Ready for RNTO");
      }
      case FtpCommand.RenameTo c -> rename(from, c.path());
      case FtpCommand.Size c -> size(path(c.path()));
      case FtpCommand.ModificationTime c -> out.reply(213, MachineFacts.seconds(files.stat(path(c.path())).modified()));
      case FtpCommand.SetModificationTime c -> {
        files.setAttributes(path(c.path()), new AttributeChange(
            OptionalLong.empty(), OptionalInt.empty(), Optional.empty(), Optional.of(c.time())), true);
        out.reply(213, "Modify=" + MachineFacts.seconds(c.time()) + "; " + c.path());
      }
      case FtpCommand.ChangeMode c -> {
        files.setAttributes(path(c.path()), AttributeChange.permissions(c.permissions()), true);
        out.reply(200, "Mode changed");
      }
      case FtpCommand.MachineEntry c -> {
        VirtualPath path = path(c.path().orElse(""));
        out.reply(250, "Listing " + path, List.of(facts.of(files.stat(path)) + " " + path), "End");
      }
      case FtpCommand.SiteHelp _ -> out.reply(214, "SITE offers", List.of("CHMOD", "HELP", "UTIME"), "End");
      case FtpCommand.Restart c -> {
        restart = c.offset();
        out.reply(350, "Restarting at " + restart);
      }
      case FtpCommand.Range c -> range(c);
      case FtpCommand.Passive _ -> passive();
      case FtpCommand.ExtendedPassive c -> extendedPassive(c);
      case FtpCommand.ExtendedPassiveOnly _ -> {
        onlyExtended = true;
        out.reply(200, "Only EPSV is accepted from now on");
      }
      case FtpCommand.Port c -> active(c.address());
      case FtpCommand.Listing c -> {
        return list(c);
      }
      case FtpCommand.Retrieve c -> {
        return retrieve(path(c.path()), offset);
      }
      case FtpCommand.Store c -> {
        return store(path(c.path()), offset);
      }
      case FtpCommand.Append c -> {
        return upload(path(c.path()), new OpenMode(false, true, true, true, false, false), 0);
      }
      case FtpCommand.StoreUnique c -> {
        return upload(path(c.path().orElseGet(() -> "upload." + Upload.random())), OpenMode.CREATE_NEW, 0);
      }
      case FtpCommand.Hash c -> {
        return hash(c);
      }
      case FtpCommand.Checksum c -> {
        return checksum(c);
      }
    }
    return Optional.empty();
  }

  /** OPTS of what only a user has. */
  void option(FtpCommand.Option option) throws IOException {
    switch (option.name()) {
      case "MLST" -> {
        facts = MachineFacts.of(option.value());
        out.reply(200, "MLST OPTS " + facts.chosen());
      }
      case "HASH" -> {
        Optional<HashAlgorithm> wanted = option.value().isEmpty() ? Optional.of(hash) : HashAlgorithm.of(option.value());
        hash = wanted.orElse(hash);
        out.reply(wanted.isPresent() ? 200 : 504, wanted.map(HashAlgorithm::word).orElse("This algorithm is not offered"));
      }
      case "MODE" -> {
        if (option.value().toUpperCase(java.util.Locale.ROOT).matches("Z LEVEL [1-9]")) {
          level = option.value().charAt(option.value().length() - 1) - '0';
          out.reply(200, "MODE Z LEVEL set to " + level);
        } else {
          out.reply(501, "It is OPTS MODE Z LEVEL 1 to 9");
        }
      }
      default -> out.reply(501, "There is no such option");
    }
  }

  private VirtualPath path(String text) throws VfsException {
    return directory.resolve(text);
  }

  /** {@code ~} is the user's root, as clients for shells expect. */
  private VirtualPath home(String text) throws VfsException {
    return text.equals("~") || text.startsWith("~/") ? VirtualPath.ROOT.resolve("." + text.substring(1)) : path(text);
  }

  private static String quoted(VirtualPath path) {
    return "\"" + path.toString().replace("\"", "\"\"") + "\"";
  }

  private void changeDirectory(VirtualPath path) throws IOException {
    if (!files.stat(path).isDirectory()) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, path);
    }
    directory = path;
    out.reply(250, "Directory changed to " + path);
  }

  private void rename(VirtualPath from, String to) throws IOException {
    if (from == null) {
      out.reply(503, "RNFR comes first");
      return;
    }
    files.rename(from, path(to), true);
    out.reply(250, "Renamed");
  }

  private void size(VirtualPath path) throws IOException {
    if (ascii) {
      out.reply(550, "The size is not known in type A; use type I"); // it would take reading the file
      return;
    }
    FileAttributes attributes = files.stat(path);
    if (attributes.kind() != FileAttributes.Kind.FILE) {
      out.reply(550, "Only files have a size");
      return;
    }
    out.reply(213, Long.toString(attributes.size()));
  }

  private void status(Optional<String> path) throws IOException {
    if (path.isEmpty()) {
      out.reply(211, "Status", statusLines(), "End");
      return;
    }
    ListingLines lines = lines(FtpCommand.Listing.Format.LONG, path);
    try (ListingLines.Subject subject = lines.open()) {
      ByteArrayOutputStream part = new ByteArrayOutputStream();
      part.writeBytes(ControlWriter.line("213-Status of " + path.get()));
      String end = "213 End";
      try {
        lines.write(subject, line -> {
          part.writeBytes(ControlWriter.escaped(line));
          if (part.size() > LISTING_PART) {
            out.raw(part.toByteArray());
            part.reset();
          }
        });
      } catch (VfsException e) {
        end = "213 The listing broke off: " + e.getMessage(); // the reply has begun, and has to end as it began
      }
      part.writeBytes(ControlWriter.line(end));
      out.raw(part.toByteArray());
    }
  }

  /** What a client may know of its own session; safe to call while a task runs. */
  List<String> statusLines() {
    return List.of("User " + user, "Type " + (ascii ? "A" : "I") + ", mode " + (deflate ? "Z" : "S") + ", structure F");
  }

  private void range(FtpCommand.Range wanted) throws IOException {
    if (wanted.first() > wanted.last()) {
      range = null; // draft-bryan-ftp-range: this takes a range back
      out.reply(350, "The range is the whole file");
    } else {
      range = wanted;
      out.reply(350, "Ranging from " + wanted.first() + " to " + wanted.last());
    }
  }

  private void passive() throws IOException {
    FtpListener.Options options = session.options();
    InetAddress shown = options.passiveAddress().towards(session.peer()).orElse(session.called());
    if (onlyExtended) {
      out.reply(501, "EPSV ALL was sent, so only EPSV is accepted");
    } else if (!(session.called() instanceof Inet4Address) || !(shown instanceof Inet4Address)) {
      out.reply(425, "PASV is for IPv4; use EPSV");
    } else {
      OptionalInt port = listen(options.passivePorts());
      if (port.isPresent()) {
        String address = shown.getHostAddress().replace('.', ',');
        out.reply(227, "Entering Passive Mode (" + address + "," + (port.getAsInt() >> 8) + "," + (port.getAsInt() & 0xFF) + ").");
      }
    }
  }

  private void extendedPassive(FtpCommand.ExtendedPassive wanted) throws IOException {
    FtpCommand.AddressFamily own = session.called() instanceof Inet4Address
        ? FtpCommand.AddressFamily.IPV4 : FtpCommand.AddressFamily.IPV6;
    if (wanted.family().isPresent() && wanted.family().get() != own) {
      out.reply(522, "Network protocol not supported, use (" + (own == FtpCommand.AddressFamily.IPV4 ? 1 : 2) + ")");
      return;
    }
    OptionalInt port = listen(session.options().passivePorts());
    if (port.isPresent()) {
      out.reply(229, "Entering Extended Passive Mode (|||" + port.getAsInt() + "|)");
    }
  }

  private OptionalInt listen(PassivePorts ports) throws IOException {
    try {
      return OptionalInt.of(session.dataPort().listen(ports));
    } catch (IOException e) {
      session.logRefusal("has no passive port for user " + user + " from " + session.address() + ": " + e.getMessage());
      out.reply(425, "No port is free for a data connection; try again");
      return OptionalInt.empty();
    }
  }

  /** Only the client itself is connected to, and no service of it: the server must not be made to reach others. */
  private void active(InetSocketAddress target) throws IOException {
    if (onlyExtended) {
      out.reply(501, "EPSV ALL was sent, so only EPSV is accepted");
    } else if (!target.getAddress().equals(session.peer()) || target.getPort() < LOWEST_ACTIVE_PORT) {
      session.logRefusal("did not connect to " + target + " for user " + user + " from " + session.address());
      out.reply(500, "Data connections go only to your own address and to ports from " + LOWEST_ACTIVE_PORT);
    } else {
      session.dataPort().connectTo(target);
      out.reply(200, "Will connect there");
    }
  }

  private Encoding encoding() {
    return new Encoding(ascii, deflate, level);
  }

  private Optional<DataRoute> route() throws IOException {
    if (!session.mayTransfer()) {
      return Optional.empty();
    }
    Optional<DataRoute> route = session.dataPort().take();
    if (route.isEmpty()) {
      out.reply(425, "PASV, EPSV, PORT or EPRT comes first");
    }
    return route;
  }

  private ListingLines lines(FtpCommand.Listing.Format format, Optional<String> path) {
    return new ListingLines(files, directory, path, format, facts, user);
  }

  private Optional<DataTask> list(FtpCommand.Listing command) throws IOException {
    ListingLines lines = lines(command.format(), command.path());
    ListingLines.Subject subject = lines.open();
    Optional<DataRoute> route = Optional.empty();
    try {
      route = route();
    } finally {
      if (route.isEmpty()) {
        subject.close();
      }
    }
    return route.map(way -> new ListingTask(
        way, engine.settings.dataConnectTimeout(), session, lines, subject, encoding(), engine.buffers));
  }

  private Optional<DataTask> retrieve(VirtualPath path, long offset) throws IOException {
    OpenFile file = files.open(path, OpenMode.READ, 0);
    Optional<DataRoute> route = Optional.empty();
    try {
      if (ascii && offset > 0) {
        out.reply(554, "A transfer can be resumed only in type I");
      } else if (offset > file.attributes().size()) {
        out.reply(554, "The restart point is behind the end of the file");
      } else {
        route = route();
      }
    } finally {
      if (route.isEmpty()) {
        file.abandon();
      }
    }
    return route.map(way -> new Download(way, engine.settings.dataConnectTimeout(), session, path.name(), file, offset,
        encoding(), engine.buffers, transfers.began(path, ClientEvent.Direction.DOWNLOAD)));
  }

  private Optional<DataTask> store(VirtualPath path, long offset) throws IOException {
    if (offset == 0) {
      return upload(path, OpenMode.REPLACE, 0);
    }
    if (ascii) {
      out.reply(554, "A transfer can be resumed only in type I");
      return Optional.empty();
    }
    if (offset > presentSize(path)) {
      out.reply(554, "The restart point is behind the end of the file");
      return Optional.empty();
    }
    return upload(path, OpenMode.EDIT, offset);
  }

  private long presentSize(VirtualPath path) throws VfsException {
    try {
      return files.stat(path).size();
    } catch (VfsException e) {
      if (e.error() == VfsError.NOT_FOUND) {
        return 0;
      }
      throw e;
    }
  }

  private Optional<DataTask> upload(VirtualPath path, OpenMode mode, long offset) throws IOException {
    return route().map(way -> new Upload(way, engine.settings.dataConnectTimeout(), session, files,
        new Upload.Plan(path, mode, offset), encoding(), engine.buffers, transfers, session.presence()));
  }

  private Optional<DataTask> hash(FtpCommand.Hash command) throws IOException {
    FtpCommand.Range wanted = range;
    range = null;
    OpenFile file = files.open(path(command.path()), OpenMode.READ, 0);
    long size = sizeOf(file);
    if (wanted != null && wanted.last() >= size) {
      file.abandon();
      out.reply(556, "The range is behind the end of the file");
      return Optional.empty();
    }
    return Optional.of(new ChecksumTask(file, command.path(), hash, wanted == null ? 0 : wanted.first(),
        wanted == null ? size : wanted.last() + 1, true, engine.buffers));
  }

  private Optional<DataTask> checksum(FtpCommand.Checksum command) throws IOException {
    OpenFile file = files.open(path(command.path()), OpenMode.READ, 0);
    long size = sizeOf(file);
    long end = command.end() < 0 ? size : command.end();
    if (command.start() > end || end > size) {
      file.abandon();
      out.reply(501, "The range is behind the end of the file");
      return Optional.empty();
    }
    return Optional.of(new ChecksumTask(
        file, command.path(), command.algorithm(), command.start(), end, false, engine.buffers));
  }

  private static long sizeOf(OpenFile file) throws VfsException {
    try {
      return file.attributes().size();
    } catch (VfsException e) {
      file.abandon();
      throw e;
    }
  }

  @Override
  public void close() {
    files.close();
  }
}
