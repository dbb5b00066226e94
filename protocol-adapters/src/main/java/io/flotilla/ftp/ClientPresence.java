package io.flotilla.ftp;

import java.io.IOException;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is known of the client's end of the control connection. A client that dies lets its system end both connections, and the
 * data connection's end looks like that of a whole file, so the control connection decides. Safe for all threads.
 */
final class ClientPresence implements Upload.Client {
  private static final Logger log = LoggerFactory.getLogger(ClientPresence.class);
  /** Together longer than an answer may take over a satellite. */
  private static final int PROBES = 5;
  private static final long PROBE_MILLISECONDS = 400;

  private final Duration vigil;
  private final Words words;
  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private boolean inputEnded;
  private boolean broken;
  private long lastQuit;

  /** Preliminary replies to the client. */
  interface Words {
    void say(String text) throws IOException;
  }

  /** @param vigil how long the control connection is watched after the end of the data */
  ClientPresence(Duration vigil, Words words) {
    this.vigil = vigil;
    this.words = words;
  }

  void quitReceived() {
    lock.lock();
    try {
      lastQuit = System.nanoTime();
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** It has nothing more to send, or is gone. */
  void inputEnded() {
    lock.lock();
    try {
      inputEnded = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  void broken() {
    lock.lock();
    try {
      broken = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * The control connection is watched for a moment, since its end may come after the data's. If it broke, the
   * client is gone. If it ended in order, either the client is gone or it only has nothing more to send (a script behind a
   * pipe): a reply is sent, which the system of a dead client answers with a reset. A QUIT that came after the data was sent
   * by a living client that had finished; one that came before proves nothing.
   */
  @Override
  public boolean standsBehind(long dataEnded) {
    lock.lock();
    try {
      long left = vigil.toNanos() - (System.nanoTime() - dataEnded);
      while (!broken && !inputEnded && !hasQuitSince(dataEnded) && left > 0) {
        left = changed.awaitNanos(left);
      }
      if (broken || !inputEnded || hasQuitSince(dataEnded)) {
        return !broken;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    } finally {
      lock.unlock();
    }
    return answersProbe();
  }

  private boolean hasQuitSince(long time) {
    return lastQuit != 0 && lastQuit - time >= 0;
  }

  /** A write brings the reset, a later one notices it. */
  private boolean answersProbe() {
    try {
      words.say("The data has arrived");
      for (int i = 0; i < PROBES; i++) {
        TimeUnit.MILLISECONDS.sleep(PROBE_MILLISECONDS);
        words.say("Finishing the file");
      }
      return true;
    } catch (IOException e) {
      log.debug("A client is gone after its data: {}", e.toString());
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }
}
