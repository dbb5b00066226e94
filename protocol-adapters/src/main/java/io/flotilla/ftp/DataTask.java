package io.flotilla.ftp;

import io.flotilla.adapter.TerminalText;
import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What runs on a thread of its own while the control connection goes on being read: a transfer, a listing, a checksum. It
 * has the session's files for itself until its reply is sent. {@link #end} is called from any thread; all else by the task's.
 */
abstract class DataTask {
  private static final Logger log = LoggerFactory.getLogger(DataTask.class);

  /** Why a task ends before it is done. */
  enum Ending {
    ABORTED("The transfer was aborted"),
    STALLED("The transfer stood still for too long and was given up"),
    SESSION_OVER("The session has ended");

    private final String words;

    Ending(String words) {
      this.words = words;
    }
  }

  private final Optional<DataRoute> route;
  private final Duration connectTimeout;
  private final DataChannels channels;
  private volatile DataConnection connection;
  private final AtomicReference<Ending> ending = new AtomicReference<>();
  private final CountDownLatch endingBegan = new CountDownLatch(1);

  /** Makes a data connection of a socket, in clear or protected. */
  interface DataChannels {
    DataConnection wrap(SocketChannel channel) throws IOException;

    /** Tells the client that data will flow now. */
    void announce(String text) throws IOException;
  }

  /**
   * @param route empty for what needs no data connection
   */
  DataTask(Optional<DataRoute> route, Duration connectTimeout, DataChannels channels) {
    this.route = route;
    this.connectTimeout = connectTimeout;
    this.channels = channels;
  }

  /** For messages in logs; may hold any character. */
  abstract String what();

  /** Does the work and says what to reply; an IOException that isn't a VfsException means that the client broke off. */
  abstract Reply work() throws IOException;

  /** The reply to a task that ended early or failed, never null. Closes what it had open. */
  final Reply run() {
    try {
      Reply reply = work();
      Ending early = ending.get();
      return early == null || reply.code() < 400 ? reply : new Reply(426, early.words);
    } catch (VfsException e) {
      return ended(Reply.of(e));
    } catch (NoDataConnection e) {
      return ended(new Reply(425, "The data connection could not be opened"));
    } catch (TransferBuffers.ExhaustedException e) {
      return ended(new Reply(451, FtpSession.sentence(e.getMessage())));
    } catch (DataConnection.ProtectionFailed e) {
      return ended(new Reply(522, e.getMessage()));
    } catch (IOException e) {
      log.debug("{}: the data connection broke: {}", TerminalText.of(what()), e.toString());
      return ended(new Reply(426, "The data connection broke; the transfer is not complete"));
    } catch (RuntimeException | Error e) {
      log.error("{} failed by a defect", TerminalText.of(what()), e);
      return new Reply(451, "The server has failed");
    } finally {
      route.ifPresent(DataRoute::close);
      DataConnection opened = connection;
      if (opened != null) {
        opened.close();
      }
    }
  }

  /** What is told of a failure, whose cause may be that the task was ended. */
  private Reply ended(Reply otherwise) {
    Ending early = ending.get();
    return early == null ? otherwise : new Reply(426, early.words);
  }

  private static final class NoDataConnection extends IOException {
    NoDataConnection(IOException cause) {
      super(cause);
    }
  }

  /** Opens the data connection; blocks. */
  final DataConnection connect() throws IOException {
    DataRoute way = route.orElseThrow();
    if (isEnding()) {
      way.close();
    }
    SocketChannel socket = null;
    try {
      socket = way.open(connectTimeout);
      connection = channels.wrap(socket);
    } catch (TransferBuffers.ExhaustedException e) {
      throw e;
    } catch (IOException e) {
      log.debug("{}: no data connection: {}", TerminalText.of(what()), e.toString());
      throw new NoDataConnection(e);
    } finally {
      if (connection == null && socket != null) {
        PlainTransport.close(socket);
      }
    }
    if (isEnding()) {
      connection.reset();
    }
    return connection;
  }

  /** Tells the client that data will flow, after which it expects the connection to be protected, and protects it. */
  final void begin(DataConnection data, String text) throws IOException {
    channels.announce(text);
    data.handshake();
  }

  /** Ends it early, if it isn't ending already; doesn't block. */
  final void end(Ending why) {
    if (!ending.compareAndSet(null, why)) {
      return;
    }
    endingBegan.countDown();
    route.ifPresent(DataRoute::close);
    DataConnection opened = connection;
    if (opened != null) {
      // Closing waits for a file that is just being sent, for as long as its storage hangs.
      Thread.ofVirtual().name("ftp-data-reset").start(opened::reset);
    }
  }

  /** Waits as long as the user's speed demands, or until the task is to end; the client isn't waited for in this time. */
  final void pause(long nanoseconds) throws IOException {
    if (nanoseconds > 0) {
      try {
        if (endingBegan.await(nanoseconds, TimeUnit.NANOSECONDS)) {
          throw new IOException("the transfer was ended");
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new InterruptedIOException("the transfer's thread was interrupted");
      }
    }
  }

  final boolean isEnding() {
    return ending.get() != null;
  }

  /** As {@link DataConnection#waitingSince}; empty as well while the server itself is busy. */
  final OptionalLong waitingSince() {
    DataConnection opened = connection;
    return opened == null ? OptionalLong.empty() : opened.waitingSince();
  }
}
