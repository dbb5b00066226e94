package io.flotilla.scp;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.adapter.TransferLog;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.NamePattern;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OpenMode;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * Sends files ({@code scp -f}). Directories are read entry by entry while their files are sent, so a tree of any size costs
 * no memory. What can't be sent is told, and the rest goes on. Used by one thread.
 */
final class ScpSource {
  private static final int PART = 512 * 1024;
  private static final byte[] PADDING = new byte[32 * 1024];

  private final ScpCommand command;
  private final VirtualFileSystem files;
  private final ScpWire wire;
  private final ScpOutput out;
  private final TransferLog transfers;
  /** Which directories the present one is in, so that a link to one of them ends the way. */
  private final Deque<Object> within = new ArrayDeque<>();

  ScpSource(ScpCommand command, VirtualFileSystem files, ScpWire wire, ScpOutput out, TransferLog transfers) {
    this.command = command;
    this.files = files;
    this.wire = wire;
    this.out = out;
    this.transfers = transfers;
  }

  void run() throws IOException, ScpException {
    if (!wire.accepted()) {
      return;
    }
    for (ScpCommand.Argument argument : command.paths()) {
      try {
        if (argument.pattern().isPresent()) {
          sendMatching(argument, argument.pattern().get());
        } else {
          send(argument.path());
        }
      } catch (VfsException e) {
        wire.warning(e.getMessage());
      }
    }
  }

  private void sendMatching(ScpCommand.Argument argument, NamePattern pattern) throws IOException, ScpException {
    VirtualPath directory = argument.path();
    boolean found = false;
    try (DirectoryListing listing = files.list(directory)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        if (pattern.matchesAsInShell(entry.name())) {
          found = true;
          send(directory.child(entry.name()));
        }
      }
    }
    if (!found) {
      wire.warning(argument.text() + ": " + VfsError.NOT_FOUND.words());
    }
  }

  private void send(VirtualPath path) throws IOException, ScpException {
    try {
      if (path.isRoot()) {
        throw new VfsException(VfsError.UNSUPPORTED, "the root has no name to send it under; ask for what is in it, such as by *");
      }
      if (path.name().indexOf('\n') >= 0) {
        throw new VfsException(VfsError.INVALID_NAME, path + ": the protocol can't tell a name with a line break");
      }
      FileAttributes attributes = files.stat(path);
      if (attributes.isDirectory()) {
        sendDirectory(path, attributes);
      } else {
        sendFile(path);
      }
    } catch (VfsException e) {
      wire.warning(e.getMessage());
    }
  }

  private void sendDirectory(VirtualPath path, FileAttributes attributes) throws IOException, ScpException {
    if (!command.recursive()) {
      throw new VfsException(VfsError.IS_A_DIRECTORY, path + ": it is a directory, which is sent with the option -r only");
    }
    if (within.contains(attributes.key())) {
      throw new VfsException(VfsError.TOO_MANY_LINKS, path + ": it is a link to a directory that it is in");
    }
    if (within.size() == Scp.MAX_DEPTH) {
      throw new VfsException(VfsError.UNSUPPORTED, path + ": over " + Scp.MAX_DEPTH + " directories are in one another");
    }
    try (DirectoryListing listing = files.list(path)) {
      if (!announced('D', path, attributes, 0)) {
        return;
      }
      within.addFirst(attributes.key());
      Optional<VfsException> failure = sendEntries(path, listing);
      within.removeFirst();
      if (failure.isPresent()) {
        wire.warning(failure.get().getMessage());
      }
    }
    wire.send("E\n");
    wire.accepted();
  }

  private Optional<VfsException> sendEntries(VirtualPath directory, DirectoryListing listing)
      throws IOException, ScpException {
    try {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        send(directory.child(entry.name()));
      }
      return Optional.empty();
    } catch (VfsException e) {
      return Optional.of(e);
    }
  }

  private void sendFile(VirtualPath path) throws IOException, ScpException {
    OpenFile file = files.open(path, OpenMode.READ, 0);
    try {
      FileAttributes attributes = file.attributes();
      if (!announced('C', path, attributes, attributes.size())) {
        return;
      }
      sendContents(path, file, attributes.size());
    } finally {
      file.abandon();
    }
  }

  private void sendContents(VirtualPath path, OpenFile file, long size) throws IOException, ScpException {
    Transfer account = transfers.began(path, ClientEvent.Direction.DOWNLOAD);
    ClientEvent.Outcome outcome = ClientEvent.Outcome.BROKEN;
    try {
      long sent = 0;
      Optional<String> problem = Optional.empty();
      while (sent < size && problem.isEmpty()) {
        try {
          int count = out.sendData(file, sent, account.part((int) Math.min(size - sent, PART)));
          if (count < 0) {
            problem = Optional.of(path + ": it was made shorter while it was sent");
          } else {
            wire.pause(account.moved(sent, count));
            sent += count;
          }
        } catch (VfsException e) {
          problem = Optional.of(e.getMessage());
        }
      }
      // The client counts the bytes that were announced before it looks for the answer.
      while (sent < size) {
        int count = (int) Math.min(size - sent, PADDING.length);
        out.send(PADDING, count);
        wire.pause(account.moved(sent, count));
        sent += count;
      }
      if (problem.isPresent()) {
        account.failed();
        wire.warning(problem.get());
      } else {
        wire.ok();
      }
      if (wire.accepted()) {
        outcome = ClientEvent.Outcome.COMPLETED;
      }
    } finally {
      account.ended(outcome);
    }
  }

  /** Whether the client wants what was announced. */
  private boolean announced(char type, VirtualPath path, FileAttributes attributes, long size)
      throws IOException, ScpException {
    if (command.preserve()) {
      wire.send("T" + seconds(attributes.modified()) + " 0 " + seconds(attributes.accessed()) + " 0\n");
      if (!wire.accepted()) {
        return false;
      }
    }
    wire.send(type + "%04o".formatted(attributes.permissions() & ScpRecord.PERMISSION_BITS) + " " + size + " " + path.name() + "\n");
    return wire.accepted();
  }

  /** A time before 1970 can't be said. */
  private static long seconds(Instant time) {
    return Math.max(0, time.getEpochSecond());
  }
}
