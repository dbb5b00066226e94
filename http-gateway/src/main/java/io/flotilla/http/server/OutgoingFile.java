package io.flotilla.http.server;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.adapter.Transfer;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.io.IOException;
import org.apache.pekko.util.ByteString;

/**
 * A part of a file that is the body of a response. Pekko's streams carry stand-ins of the same length in its place, so that they count
 * and order what is sent; the connection sends the file's bytes when a stand-in comes out. Used by the connection's stream only.
 */
final class OutgoingFile {
  private static final byte[] STAND_IN = new byte[1 << 20];

  private final OpenFile file;
  private final Transfer account;
  private final long end;
  /** Of what was handed out as stand-ins. */
  private long handedOut;
  private long position;
  private ByteString standIn;
  private boolean ended;

  /** Sends some of the file and returns how much, 1 or more. */
  interface Sender {
    long send(OpenFile file, long position, long count) throws IOException;
  }

  /** @param file closed with this */
  OutgoingFile(OpenFile file, long offset, long length, Transfer account) {
    this.file = file;
    this.account = account;
    this.handedOut = offset;
    this.position = offset;
    this.end = offset + length;
  }

  /** Whether a stand-in was handed out that has not come to {@link #send} yet. */
  boolean isOnItsWay() {
    return standIn != null;
  }

  boolean isEnded() {
    return ended;
  }

  /** The stand-in for what comes next. */
  ByteString next() {
    standIn = ByteString.fromArrayUnsafe(STAND_IN, 0, (int) Math.min(end - handedOut, STAND_IN.length));
    handedOut += standIn.size();
    return standIn;
  }

  boolean isHandedOut() {
    return handedOut == end;
  }

  /**
   * Sends what the bytes stand for; false if they are other ones.
   *
   * @throws IOException also if they are others while a stand-in is on its way, or if the file was given up by then: never may
   *     either be taken for the file's contents
   */
  boolean send(ByteString bytes, Sender sender, Pause pause) throws IOException {
    if (standIn == null) {
      return false;
    }
    if (bytes != standIn) {
      throw new IOException("other bytes came in place of a file's, by a defect");
    }
    if (ended) {
      throw new IOException("a file was given up while it was sent");
    }
    standIn = null;
    try {
      while (position < handedOut) {
        long sent = sender.send(file, position, account.part((int) (handedOut - position)));
        long wait = account.moved(position, sent);
        position += sent;
        if (wait > 0) {
          pause.pause(wait);
        }
      }
    } catch (VfsException e) {
      end(ClientEvent.Outcome.FAILED);
      throw e;
    }
    if (position == end) {
      end(ClientEvent.Outcome.COMPLETED);
    }
    return true;
  }

  static VfsException tooShort() {
    return new VfsException(VfsError.IO, "the file has become shorter while it was sent");
  }

  /** The rest will not be sent. Harmless if all was. */
  void giveUp() {
    end(ClientEvent.Outcome.BROKEN);
  }

  private void end(ClientEvent.Outcome outcome) {
    if (!ended) {
      ended = true;
      file.abandon();
      account.ended(outcome);
    }
  }
}
