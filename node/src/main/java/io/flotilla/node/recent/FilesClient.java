package io.flotilla.node.recent;

import io.flotilla.node.HostPort;
import io.flotilla.node.recent.FilesMessages.Open;
import io.flotilla.node.recent.FilesMessages.Remove;
import io.flotilla.node.recent.FilesMessages.Rename;
import io.flotilla.node.recent.FilesMessages.Request;
import io.flotilla.node.streams.NodeStreams.BusyException;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.OtherNodes;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges;
import io.flotilla.vfs.RecentChanges.Position;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Asks other nodes' {@link FilesService}; a stream for each file that is read, and for each change. Safe for all threads. */
final class FilesClient implements OtherNodes {
  private static final Logger log = LoggerFactory.getLogger(FilesClient.class);
  /** Together they are less than a storage of this node may take for an answer. */
  private static final Duration CONNECT = Duration.ofSeconds(2);
  private static final Duration ANSWER = Duration.ofSeconds(4);
  /** How long a node that did not answer is not asked again: who goes through a directory would wait for each file. */
  private static final Duration SILENT = Duration.ofSeconds(2);
  private static final Duration HEARD = Duration.ofSeconds(2);
  /** How many of this node's clients may wait for another node at a time, until a file is open or a change is made, and for their turn. */
  private static final int MOST_AT_ONCE = 32;
  private static final Duration TURN = Duration.ofSeconds(1);

  private final RecentChanges changes;
  private final Link.Dialer dialer;
  private final Function<String, Optional<HostPort>> addresses;
  /** When nodes were last found not to answer, by System.nanoTime; of those that are known only. */
  private final Map<String, Long> silent = new ConcurrentHashMap<>();
  /** Of nodes that are, or were, known. */
  private final Map<String, Semaphore> turns = new ConcurrentHashMap<>();

  /** @param addresses the remoting address of a node, by its name */
  FilesClient(RecentChanges changes, Link.Dialer dialer, Function<String, Optional<HostPort>> addresses) {
    this.changes = changes;
    this.dialer = dialer;
    this.addresses = addresses;
  }

  private interface Asking<T> {
    T ask(HostPort address) throws IOException;
  }

  /** Asks a node when it is this call's turn. */
  private <T> T inTurn(String node, Asking<T> asking) throws IOException {
    HostPort address = addresses.apply(node).orElseThrow(() -> new IOException("its address is not known"));
    Semaphore places = turns.computeIfAbsent(node, _ -> new Semaphore(MOST_AT_ONCE));
    try {
      if (!places.tryAcquire(TURN.toMillis(), TimeUnit.MILLISECONDS)) {
        throw new BusyException("it is asked for " + MOST_AT_ONCE + " other things by this node");
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("whoever asks was interrupted", e);
    }
    try {
      return asking.ask(address);
    } finally {
      places.release();
    }
  }

  private Link connect(String node, HostPort address) throws IOException {
    Long since = silent.get(node);
    if (since != null && System.nanoTime() - since < SILENT.toNanos()) {
      throw new IOException("it did not answer a moment ago");
    }
    Link link;
    try {
      link = dialer.dial(address, FilesMessages.SERVICE, CONNECT);
      silent.remove(node);
    } catch (BusyException e) {
      silent.remove(node);
      throw e;
    } catch (IOException e) {
      silent.put(node, System.nanoTime());
      throw e;
    }
    try {
      if (!link.peer().equals(node)) {
        throw new IOException("at " + address + " there is " + link.peer());
      }
      link.readTimeout(ANSWER);
      return link;
    } catch (IOException e) {
      link.close();
      throw e;
    }
  }

  /** What is told the client; which node it is stays in this node's log. */
  static VfsException silent(String node, IOException e) {
    if (e instanceof VfsException said) {
      return said;
    }
    log.info("Node {} does not answer what a client asks for: {}", node, e.getMessage());
    return new VfsException(VfsError.NOT_ARRIVED, "it has not arrived at this node yet, and the node that has it "
        + (e instanceof BusyException ? "is asked for too much at a time" : "does not answer") + "; try again later");
  }

  /** A link on which a file is open, or nothing if there is another version. */
  Optional<Link> dial(String node, Location file, Version version) throws IOException {
    return inTurn(node, address -> dial(node, address, file, version));
  }

  private Optional<Link> dial(String node, HostPort address, Location file, Version version) throws IOException {
    Link link = connect(node, address);
    boolean isOpen = false;
    try {
      FilesMessages.write(new Open(file, version)).writeTo(link.out());
      Frame.Reader answer = Frame.read(link.in());
      isOpen = FilesMessages.isDone(answer);
      if (isOpen) {
        return Optional.of(link);
      }
      awaitHeard(node, position(answer));
      return Optional.empty();
    } finally {
      if (!isOpen) {
        link.close();
      }
    }
  }

  private static Position position(Frame.Reader answer) throws IOException {
    return new Position(answer.uuid(), answer.int64());
  }

  /** Otherwise the same client would still see it as it was. */
  private void awaitHeard(String node, Position position) {
    try {
      if (!changes.awaitHeard(node, position, HEARD)) {
        log.info("Node {} is not heard telling of all that it did yet", node);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  @Override
  public Optional<OpenFile> open(String node, Location file, Version version) throws VfsException {
    try {
      return dial(node, file, version).map(link -> new FileOfNode(this, node, file, version, link));
    } catch (IOException e) {
      throw silent(node, e);
    }
  }

  @Override
  public boolean remove(String node, Location entry, Removed what) throws VfsException {
    return change(node, new Remove(entry, what.isDirectory(), what.version()));
  }

  @Override
  public boolean rename(String node, Location entry, VirtualPath to, boolean replace, Written what) throws VfsException {
    return change(node, new Rename(entry, to, replace, what.isDirectory(), what.version()));
  }

  private boolean change(String node, Request request) throws VfsException {
    Changed changed;
    try {
      changed = inTurn(node, address -> change(node, address, request));
    } catch (IOException e) {
      throw silent(node, e);
    }
    awaitHeard(node, changed.position());
    return changed.isDone();
  }

  /** @param position of the node's log with which this is told, or that which made it another version */
  private record Changed(boolean isDone, Position position) {}

  private Changed change(String node, HostPort address, Request request) throws IOException {
    try (Link link = connect(node, address)) {
      FilesMessages.write(request).writeTo(link.out());
      Frame.Reader answer = Frame.read(link.in());
      return new Changed(FilesMessages.isDone(answer), position(answer));
    }
  }
}
