package io.flotilla.sftp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.LongName;
import io.flotilla.adapter.TerminalText;
import io.flotilla.adapter.TransferLog;
import io.flotilla.sftp.HandleTable.DirectoryHandle;
import io.flotilla.sftp.HandleTable.FileHandle;
import io.flotilla.sftp.SftpRequest.Attributes;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.SpaceInfo;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Instant;
import java.util.List;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves the requests of one SFTP channel in order, each with exactly one reply. It translates and maps errors; what the
 * operations mean is the file system's. Used by the channel's thread only, which also closes it: then what is open is
 * abandoned, so that an upload stays a partial.
 */
final class SftpSession implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(SftpSession.class);
  private static final int DEFAULT_FILE_PERMISSIONS = 0666;
  private static final int DEFAULT_DIRECTORY_PERMISSIONS = 0777;
  private static final int MAX_LISTING_BYTES = 64 * 1024;

  private final String user;
  private final VirtualFileSystem files;
  private final SftpOutput out;
  private final TransferLog transfers;
  private final HandleTable handles = new HandleTable();
  private final ReplyBuffer reply = new ReplyBuffer();
  private boolean initialized;

  /**
   * @param files closed with this session
   */
  SftpSession(String user, VirtualFileSystem files, SftpOutput out, TransferLog transfers) {
    this.user = user;
    this.files = files;
    this.out = out;
    this.transfers = transfers;
  }

  /**
   * Serves one packet.
   *
   * @throws SftpProtocolException if the packet is none, and the channel must end
   * @throws IOException if the channel is gone
   */
  void handle(byte[] packet, int length) throws SftpProtocolException, IOException {
    SftpRequest request = SftpParser.parse(packet, length);
    if (request instanceof SftpRequest.Init != !initialized) {
      throw new SftpProtocolException("INIT is the first packet, and only the first");
    }
    switch (request) {
      case SftpRequest.Init _ -> initialize();
      case SftpRequest.Numbered numbered -> {
        try {
          serve(numbered);
        } catch (VfsException e) {
          status(numbered.id(), SftpStatus.of(e.error()), e.getMessage());
        } catch (RuntimeException e) {
          log.error("A request of user {} failed by a defect: {}", user, request.getClass().getSimpleName(), e);
          status(numbered.id(), SftpStatus.FAILURE, "the server has failed");
        }
      }
    }
  }

  private void initialize() throws IOException {
    initialized = true;
    reply.begin(Sftp.VERSION_REPLY, Sftp.VERSION);
    Sftp.EXTENSIONS.forEach(extension -> reply.putText(extension.name()).putText(extension.version()));
    send();
  }

  private void serve(SftpRequest.Numbered request) throws VfsException, IOException {
    int id = request.id();
    switch (request) {
      case SftpRequest.Open open -> open(open);
      case SftpRequest.Close close -> close(close);
      case SftpRequest.Read read -> read(read);
      case SftpRequest.Write write -> write(write);
      case SftpRequest.Lstat r -> attributes(id, files.lstat(path(r.path())));
      case SftpRequest.Stat r -> attributes(id, files.stat(path(r.path())));
      case SftpRequest.Fstat r -> attributes(id, switch (handles.get(r.handle())) {
        case DirectoryHandle directory -> files.stat(directory.path());
        case null, default -> handles.file(r.handle()).file().attributes();
      });
      case SftpRequest.SetStat r -> {
        VirtualPath path = path(r.path());
        set(id, r.attributes(), change -> files.setAttributes(path, change, r.followLinks()));
      }
      case SftpRequest.FsetStat r -> {
        if (handles.get(r.handle()) instanceof DirectoryHandle directory) {
          set(id, r.attributes(), change -> files.setAttributes(directory.path(), change, true));
        } else {
          set(id, r.attributes(), handles.file(r.handle()).file()::setAttributes);
        }
      }
      case SftpRequest.OpenDirectory r -> {
        handles.checkRoom();
        VirtualPath path = path(r.path());
        handle(id, handles.add(new DirectoryHandle(path, files.list(path))));
      }
      case SftpRequest.ReadDirectory r -> readDirectory(id, handles.directory(r.handle()));
      case SftpRequest.Remove r -> {
        files.removeFile(path(r.path()));
        ok(id);
      }
      case SftpRequest.MakeDirectory r -> {
        files.makeDirectory(path(r.path()), r.attributes().permissionsOr(DEFAULT_DIRECTORY_PERMISSIONS));
        ok(id);
      }
      case SftpRequest.RemoveDirectory r -> {
        files.removeDirectory(path(r.path()));
        ok(id);
      }
      case SftpRequest.RealPath r -> name(id, path(r.path()).toString());
      case SftpRequest.ExpandPath r -> name(id, path(expanded(r.path())).toString());
      case SftpRequest.Rename r -> {
        files.rename(path(r.from()), path(r.to()), r.replace());
        ok(id);
      }
      case SftpRequest.ReadLink r -> name(id, files.readSymlink(path(r.path())));
      case SftpRequest.Symlink r -> {
        files.makeSymlink(r.target(), path(r.link()));
        ok(id);
      }
      case SftpRequest.HardLink r -> {
        files.makeHardLink(path(r.existing()), path(r.link()));
        ok(id);
      }
      case SftpRequest.Space r -> space(id, files.space(path(r.path())));
      case SftpRequest.SpaceOfHandle r -> {
        HandleTable.Handle handle = handles.get(r.handle());
        space(id, files.space(handle == null ? handles.file(r.handle()).path() : handle.path().parent()));
      }
      case SftpRequest.Sync r -> {
        handles.file(r.handle()).file().sync();
        ok(id);
      }
      case SftpRequest.Limits _ -> {
        reply.begin(Sftp.EXTENDED_REPLY, id).putLong(Sftp.MAX_PACKET).putLong(Sftp.MAX_DATA).putLong(Sftp.MAX_DATA)
            .putLong(Sftp.MAX_HANDLES);
        send();
      }
      case SftpRequest.Copy r -> copy(r);
      case SftpRequest.NamesById r -> names(r);
      case SftpRequest.Unknown r ->
          status(id, SftpStatus.UNSUPPORTED, "this server does not know the request (" + r.what() + ")");
    }
  }

  private void open(SftpRequest.Open request) throws VfsException, IOException {
    handles.checkRoom();
    VirtualPath path = path(request.path());
    int flags = request.flags();
    boolean write = (flags & (Sftp.OPEN_WRITE | Sftp.OPEN_APPEND)) != 0;
    boolean read = (flags & Sftp.OPEN_READ) != 0;
    if (!read && !write) {
      throw new VfsException(VfsError.IO, path, "the open flags ask neither to read nor to write");
    }
    OpenMode mode = new OpenMode(read, write, (flags & Sftp.OPEN_APPEND) != 0,
        write && (flags & Sftp.OPEN_CREATE) != 0, write && (flags & Sftp.OPEN_TRUNCATE) != 0,
        write && (flags & Sftp.OPEN_CREATE) != 0 && (flags & Sftp.OPEN_EXCLUSIVE) != 0);
    OpenFile file = files.open(path, mode, request.attributes().permissionsOr(DEFAULT_FILE_PERMISSIONS));
    handle(request.id(), handles.add(new FileHandle(path, file,
        transfers.began(path, write ? ClientEvent.Direction.UPLOAD : ClientEvent.Direction.DOWNLOAD))));
  }

  private void close(SftpRequest.Close request) throws VfsException, IOException {
    switch (handles.remove(request.handle())) {
      case DirectoryHandle directory -> {
        directory.listing().close();
        ok(request.id());
      }
      case FileHandle handle -> {
        ClientEvent.Outcome outcome = ClientEvent.Outcome.FAILED;
        try {
          handle.file().close();
          outcome = ClientEvent.Outcome.COMPLETED;
          ok(request.id()); // the client need not wait until its transfer has been told
        } finally {
          handle.transfer().ended(outcome);
        }
      }
    }
  }

  private void read(SftpRequest.Read request) throws VfsException, IOException {
    FileHandle handle = handles.file(request.handle());
    int length = handle.transfer().part(Math.min(request.length(), Sftp.MAX_DATA));
    if (request.offset() < 0 || length == 0) {
      status(request.id(), SftpStatus.EOF, "end of file");
      return;
    }
    try {
      int sent = out.sendData(request.id(), handle.file(), request.offset(), length);
      if (sent < 0) {
        status(request.id(), SftpStatus.EOF, "end of file");
      } else {
        pause(handle.transfer().moved(request.offset(), sent));
      }
    } catch (SftpOutput.ReadFailed e) {
      handle.transfer().failed();
      throw e.getCause();
    }
  }

  private void write(SftpRequest.Write request) throws VfsException, IOException {
    FileHandle handle = handles.file(request.handle());
    int length = request.data().remaining();
    if (request.offset() < 0) {
      throw new VfsException(VfsError.TOO_LARGE, handle.path());
    }
    try {
      handle.file().write(request.data(), request.offset());
    } catch (VfsException e) {
      handle.transfer().failed();
      throw e;
    }
    pause(handle.transfer().moved(request.offset(), length));
    ok(request.id());
  }

  private void pause(long nanoseconds) throws IOException {
    if (nanoseconds > 0) {
      out.pause(nanoseconds);
    }
  }

  /** Of one file to itself, under whatever names, it might never come to an end; a new file of the same name is another. */
  private void copy(SftpRequest.Copy request) throws VfsException, IOException {
    FileHandle from = handles.file(request.from());
    FileHandle to = handles.file(request.to());
    if (from.file().attributes().key().equals(to.file().attributes().key())) {
      throw new VfsException(VfsError.IO, from.path(), "a file can't be copied to itself");
    }
    if (request.fromOffset() < 0 || request.length() < 0 || request.toOffset() < 0) {
      throw new VfsException(VfsError.TOO_LARGE, from.path());
    }
    boolean whole = request.length() == 0;
    long left = whole ? Long.MAX_VALUE : request.length();
    long copied = 0;
    ByteBuffer buffer = ByteBuffer.allocate(Sftp.MAX_DATA);
    while (left > 0) {
      out.stillWorking();
      int count = from.file().read(buffer.clear().limit((int) Math.min(left, buffer.capacity())), request.fromOffset() + copied);
      if (count < 0) {
        break;
      }
      try {
        to.file().write(buffer.flip(), request.toOffset() + copied);
      } catch (VfsException e) {
        to.transfer().failed();
        throw e;
      }
      copied += count;
      left -= count;
    }
    if (whole || left == 0) {
      ok(request.id());
    } else {
      status(request.id(), SftpStatus.EOF, "the file ends there");
    }
  }

  /** All files are shown as owned by number 0, which is the user. */
  private void names(SftpRequest.NamesById request) throws VfsException, IOException {
    if (request.users().size() + request.groups().size() > Sftp.MAX_IDS) {
      throw new VfsException(VfsError.TOO_LARGE, "more than " + Sftp.MAX_IDS + " names");
    }
    reply.begin(Sftp.EXTENDED_REPLY, request.id()).putTexts(names(request.users())).putTexts(names(request.groups()));
    send();
  }

  private List<String> names(List<Integer> ids) {
    return ids.stream().map(id -> id == 0 ? user : "").toList();
  }

  private void readDirectory(int id, DirectoryHandle handle) throws VfsException, IOException {
    Instant now = Instant.now();
    reply.begin(Sftp.NAME, id).putInt(0);
    int count = 0;
    while (reply.length() < MAX_LISTING_BYTES) {
      DirectoryListing.Entry entry = handle.listing().next();
      if (entry == null) {
        break;
      }
      reply.putName(entry.name()).putName(LongName.of(entry.name(), entry.attributes(), user, now))
          .putAttributes(entry.attributes());
      count++;
    }
    if (count == 0) {
      status(id, SftpStatus.EOF, "no more entries");
      return;
    }
    reply.setInt(9, count); // after length, type and id
    send();
  }

  private interface Setter {
    void set(AttributeChange change) throws VfsException;
  }

  /** As an OpenSSH server without privileges: all else is set, but the owner can't be changed. */
  private void set(int id, Attributes attributes, Setter setter) throws VfsException, IOException {
    if (attributes.change().size().orElse(0) < 0) {
      throw new VfsException(VfsError.TOO_LARGE, "the size is too large");
    }
    setter.set(attributes.change());
    if (attributes.hasOwner()) {
      status(id, SftpStatus.PERMISSION_DENIED, "the owner of a file can't be changed");
    } else {
      ok(id);
    }
  }

  private void space(int id, SpaceInfo space) throws IOException {
    reply.begin(Sftp.EXTENDED_REPLY, id).putLong(space.blockSize()).putLong(space.fragmentSize())
        .putLong(space.blocks()).putLong(space.freeBlocks()).putLong(space.availableBlocks())
        .putLong(space.files()).putLong(space.freeFiles()).putLong(space.availableFiles())
        .putLong(0) // the file system's id would tell about the server
        .putLong((space.readOnly() ? 1 : 0) | 2) // set-user-id bits have no effect
        .putLong(space.maxNameLength());
    send();
  }

  private static VirtualPath path(String text) throws VfsException {
    return VirtualPath.parse(text);
  }

  /** {@code ~} and {@code ~/x} are the user's root; other users' homes are not known here. */
  private String expanded(String path) throws VfsException {
    if (path.equals("~") || path.startsWith("~/")) {
      return path.substring(1);
    }
    String own = "~" + user;
    if (path.equals(own) || path.startsWith(own + "/")) {
      return path.substring(own.length());
    }
    if (path.startsWith("~")) {
      throw new VfsException(VfsError.NOT_FOUND, "only the own home directory can be named by ~");
    }
    return path;
  }

  private void attributes(int id, FileAttributes attributes) throws IOException {
    reply.begin(Sftp.ATTRS, id).putAttributes(attributes);
    send();
  }

  private void handle(int id, int number) throws IOException {
    reply.begin(Sftp.HANDLE, id).putInt(Integer.BYTES).putInt(number);
    send();
  }

  private void name(int id, String name) throws IOException {
    reply.begin(Sftp.NAME, id).putInt(1).putName(name).putName(name).putInt(0);
    send();
  }

  private void ok(int id) throws IOException {
    status(id, SftpStatus.OK, "");
  }

  private void status(int id, SftpStatus status, String message) throws IOException {
    reply.begin(Sftp.STATUS, id).putInt(status.code()).putText(TerminalText.of(message)).putText("en");
    send();
  }

  private void send() throws IOException {
    out.send(reply.finish(), reply.length());
  }

  @Override
  public void close() {
    for (HandleTable.Handle handle : handles.clear()) {
      switch (handle) {
        case DirectoryHandle directory -> directory.listing().close();
        case FileHandle file -> {
          file.file().abandon();
          file.transfer().ended(ClientEvent.Outcome.BROKEN);
        }
      }
    }
    files.close();
  }
}
