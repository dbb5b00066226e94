package io.flotilla.node.recent;

import io.flotilla.node.recent.FilesMessages.Read;
import io.flotilla.vfs.AttributeChange;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OtherNodes.Location;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.net.SocketTimeoutException;
import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Optional;

/**
 * A file that another node has, opened there, so that all that is read is of one version. Who reads on from where he was gets read ahead:
 * pieces are asked for before they are wanted, more of them the longer it goes on, so that the way there and back is waited for only
 * once. A stream that breaks, as it does when a client takes nothing for long, is opened again, and after a read that failed nothing more is
 * taken from its stream. Used by one thread at a time.
 */
final class FileOfNode implements OpenFile {
  private static final int MOST_AHEAD = 8;
  private static final ByteBuffer NONE = ByteBuffer.allocate(0);

  private final FilesClient client;
  private final String node;
  private final Location file;
  private final Version version;
  private Link link;
  /** Where the pieces begin that were asked for and have not come. */
  private final Deque<Long> asked = new ArrayDeque<>();
  private ByteBuffer piece = NONE;
  private long pieceAt;
  private long nextAt;
  private int ahead = 1;

  FileOfNode(FilesClient client, String node, Location file, Version version, Link link) {
    this.client = client;
    this.node = node;
    this.file = file;
    this.version = version;
    this.link = link;
  }

  @Override
  public int read(ByteBuffer target, long position) throws VfsException {
    if (position >= version.size()) {
      return -1;
    }
    if (!target.hasRemaining()) {
      return 0;
    }
    boolean isRead = false;
    try {
      int count = copyOrReopen(target, position);
      isRead = true;
      return count;
    } finally {
      if (!isRead) {
        end(); // what comes on it now may begin in the midst of a message
      }
    }
  }

  private int copyOrReopen(ByteBuffer target, long position) throws VfsException {
    try {
      return copy(target, position);
    } catch (VfsException e) {
      throw e;
    } catch (SocketTimeoutException e) {
      throw FilesClient.silent(node, e); // to try again would only take as long once more
    } catch (IOException e) {
      return reopened(target, position, e);
    }
  }

  private int reopened(ByteBuffer target, long position, IOException cause) throws VfsException {
    try {
      end();
      Optional<Link> again = client.dial(node, file, version);
      if (again.isEmpty()) {
        throw new VfsException(VfsError.IO, "the file was changed while it was read");
      }
      link = again.get();
      return copy(target, position);
    } catch (IOException e) {
      e.addSuppressed(cause);
      throw FilesClient.silent(node, e);
    }
  }

  /** Ends the stream; the next read opens another. */
  private void end() {
    asked.clear();
    piece = NONE;
    ahead = 1;
    link.close();
  }

  private int copy(ByteBuffer target, long position) throws IOException {
    if (!isInPiece(position)) {
      fetch(position);
    }
    piece.position((int) (position - pieceAt));
    int count = Math.min(target.remaining(), piece.remaining());
    target.put(target.position(), piece, piece.position(), count);
    target.position(target.position() + count);
    return count;
  }

  private boolean isInPiece(long position) {
    return position >= pieceAt && position < pieceAt + piece.limit();
  }

  private void fetch(long position) throws IOException {
    boolean goesOn = position == pieceAt + piece.limit();
    ahead = goesOn ? Math.min(2 * ahead, MOST_AHEAD) : 1;
    while (!asked.isEmpty() && asked.getFirst() != position) {
      receive();
    }
    if (asked.isEmpty()) {
      nextAt = position;
    }
    while (asked.size() < ahead && nextAt < version.size()) {
      int length = (int) Math.min(FilesMessages.MAX_READ, version.size() - nextAt);
      FilesMessages.write(new Read(nextAt, length)).writeTo(link.out());
      asked.add(nextAt);
      nextAt += length;
    }
    receive();
    if (!isInPiece(position)) {
      throw new VfsException(VfsError.IO, "the file became shorter while it was read");
    }
  }

  private void receive() throws IOException {
    Frame.Reader answer = Frame.read(link.in());
    if (!FilesMessages.isDone(answer)) {
      throw new IOException("the other node says that the open file is another one");
    }
    pieceAt = asked.removeFirst();
    piece = answer.rest().slice();
  }

  @Override
  public void write(ByteBuffer source, long position) throws VfsException {
    throw new VfsException(VfsError.PERMISSION_DENIED, file.path());
  }

  @Override
  public FileAttributes attributes() throws VfsException {
    throw new VfsException(VfsError.UNSUPPORTED, file.path());
  }

  @Override
  public void setAttributes(AttributeChange change) throws VfsException {
    throw new VfsException(VfsError.PERMISSION_DENIED, file.path());
  }

  @Override
  public void sync() {
    // Nothing was written.
  }

  @Override
  public void close() {
    link.close();
  }

  @Override
  public void abandon() {
    link.close();
  }
}
