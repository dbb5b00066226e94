package io.flotilla.scp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.adapter.TransferLog;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * Receives files ({@code scp -t}). A file is published when all its bytes have come and the client has said that it read them
 * well; whatever else happens, it stays a partial. Used by one thread.
 */
final class ScpSink {
  private static final int OWNER_ALL = 0700;
  private static final int BUFFER = 128 * 1024;

  private final ScpCommand command;
  private final VirtualFileSystem files;
  private final ScpWire wire;
  private final TransferLog transfers;
  private final Deque<Level> levels = new ArrayDeque<>();
  private final byte[] buffer = new byte[BUFFER];

  /**
   * A directory that the client is in.
   *
   * @param made whether it is new
   */
  private record Level(VirtualPath path, ScpRecord.Directory announced, Optional<ScpRecord.Times> times, boolean made) {}

  ScpSink(ScpCommand command, VirtualFileSystem files, ScpWire wire, TransferLog transfers) {
    this.command = command;
    this.files = files;
    this.wire = wire;
    this.transfers = transfers;
  }

  void run() throws IOException, ScpException {
    if (command.directory() && !isDirectory(target())) {
      throw new ScpException(command.paths().getFirst().text() + ": " + VfsError.NOT_A_DIRECTORY.words());
    }
    wire.ok();
    Optional<ScpRecord.Times> times = Optional.empty();
    for (int type = wire.read(); type >= 0; type = wire.read()) {
      switch (type) {
        case ScpWire.WARNING -> {
          wire.line(type);
          wire.clientFailed();
        }
        case ScpWire.FATAL -> throw new ScpException("the client gave up");
        default -> times = take(ScpRecord.parse(wire.line(type)), times);
      }
    }
    if (!levels.isEmpty()) {
      throw new EOFException("the client ended in the middle of a directory");
    }
  }

  /** Returns the times for what comes next. */
  private Optional<ScpRecord.Times> take(ScpRecord announced, Optional<ScpRecord.Times> times)
      throws IOException, ScpException {
    switch (announced) {
      case ScpRecord.Times next -> {
        wire.ok();
        return Optional.of(next);
      }
      case ScpRecord.File file -> receive(file, times);
      case ScpRecord.Directory directory -> enter(directory, times);
      case ScpRecord.EndOfDirectory _ -> leave();
    }
    return Optional.empty();
  }

  private VirtualPath target() throws ScpException {
    try {
      return command.paths().getFirst().path();
    } catch (VfsException e) {
      throw new ScpException(e.getMessage());
    }
  }

  private boolean isDirectory(VirtualPath path) {
    try {
      return files.stat(path).isDirectory();
    } catch (VfsException e) {
      return false; // whatever it is, it will be told when it is used
    }
  }

  /** Where something of this name goes. */
  private VirtualPath place(String name, boolean isFile) throws VfsException, ScpException {
    if (!levels.isEmpty()) {
      return levels.getFirst().path().child(name);
    }
    VirtualPath target = target();
    if (isDirectory(target)) {
      return target.child(name);
    }
    if (isFile && command.paths().getFirst().text().endsWith("/")) {
      throw new VfsException(VfsError.NOT_A_DIRECTORY, target);
    }
    return target;
  }

  private void enter(ScpRecord.Directory announced, Optional<ScpRecord.Times> times) throws IOException, ScpException {
    if (!command.recursive()) {
      throw new ScpException("a directory was sent without the option -r");
    }
    if (levels.size() == Scp.MAX_DEPTH) {
      throw new ScpException("over " + Scp.MAX_DEPTH + " directories are in one another");
    }
    try {
      VirtualPath path = place(announced.name(), false);
      levels.addFirst(new Level(path, announced, times, made(path, announced.permissions())));
    } catch (VfsException e) {
      wire.warning(e.getMessage());
      return;
    }
    wire.ok();
  }

  /** A directory that is there is used as it is. */
  private boolean made(VirtualPath path, int permissions) throws VfsException {
    try {
      files.makeDirectory(path, permissions | OWNER_ALL);
      return true;
    } catch (VfsException e) {
      if (e.error() == VfsError.EXISTS && isDirectory(path)) {
        return false;
      }
      throw e;
    }
  }

  /** A directory gets its times when nothing will change in it any more, and new ones permissions without the owner's right to write. */
  private void leave() throws IOException, ScpException {
    if (levels.isEmpty()) {
      throw new ScpException("the protocol was broken: a directory ended that had not begun");
    }
    Level level = levels.removeFirst();
    AttributeChange change = change(level.announced().permissions(), level.times(), command.preserve()
        || level.made() && (level.announced().permissions() & OWNER_ALL) != OWNER_ALL);
    try {
      if (!change.equals(AttributeChange.NONE)) {
        files.setAttributes(level.path(), change, true);
      }
    } catch (VfsException e) {
      wire.warning(e.getMessage());
      return;
    }
    wire.ok();
  }

  private static AttributeChange change(int permissions, Optional<ScpRecord.Times> times, boolean exact) {
    return new AttributeChange(OptionalLong.empty(), exact ? OptionalInt.of(permissions) : OptionalInt.empty(),
        times.map(ScpRecord.Times::accessed), times.map(ScpRecord.Times::modified));
  }

  private void receive(ScpRecord.File announced, Optional<ScpRecord.Times> times) throws IOException, ScpException {
    VirtualPath path;
    OpenFile file;
    try {
      path = place(announced.name(), true);
      file = files.open(path, OpenMode.REPLACE, announced.permissions());
    } catch (VfsException e) {
      wire.warning(e.getMessage());
      return;
    }
    Transfer account = transfers.began(path, ClientEvent.Direction.UPLOAD);
    ClientEvent.Outcome outcome = ClientEvent.Outcome.BROKEN;
    try {
      wire.ok();
      Optional<VfsException> failure = receive(announced.size(), file, account);
      if (!wire.hasSentAll()) {
        wire.warning(path + ": it was not read to its end by the client, so it was not published");
        return;
      }
      outcome = ClientEvent.Outcome.FAILED;
      if (failure.isPresent()) {
        throw failure.get();
      }
      Optional<VfsException> refused = set(file, change(announced.permissions(), times, command.preserve()));
      file.close();
      outcome = ClientEvent.Outcome.COMPLETED;
      if (refused.isPresent()) {
        wire.warning(refused.get().getMessage());
      } else {
        wire.ok();
      }
    } catch (VfsException e) {
      wire.warning(e.getMessage());
    } finally {
      file.abandon();
      account.ended(outcome);
    }
  }

  /** The contents count, also without their times and permissions. */
  private static Optional<VfsException> set(OpenFile file, AttributeChange change) {
    try {
      if (!change.equals(AttributeChange.NONE)) {
        file.setAttributes(change);
      }
      return Optional.empty();
    } catch (VfsException e) {
      return Optional.of(e);
    }
  }

  /** The client sends everything before it asks how it went, so what comes after a failure is dropped. */
  private Optional<VfsException> receive(long size, OpenFile file, Transfer account) throws IOException {
    Optional<VfsException> failure = Optional.empty();
    long received = 0;
    while (received < size) {
      int count = wire.read(buffer, account.part((int) Math.min(size - received, buffer.length)));
      if (count < 0) {
        throw new EOFException("the client ended in the middle of a file");
      }
      if (failure.isEmpty()) {
        try {
          file.write(ByteBuffer.wrap(buffer, 0, count), received);
        } catch (VfsException e) {
          failure = Optional.of(e);
        }
      }
      wire.pause(account.moved(received, count));
      received += count;
    }
    return failure;
  }
}
