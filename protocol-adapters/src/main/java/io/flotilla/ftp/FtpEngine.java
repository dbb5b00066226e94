package io.flotilla.ftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.view.ConfigView;
import io.flotilla.transport.LastWords;
import io.flotilla.transport.TransferBuffers;
import io.flotilla.vfs.UserHomes;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What all FTP sessions of a node share. One timer looks at every session several times a second instead of a time limit on
 * every read, because a limit that depends on what the session is doing can't be set on a socket. Safe for all threads.
 */
final class FtpEngine implements AutoCloseable {
  private static final Logger log = LoggerFactory.getLogger(FtpEngine.class);
  private static final long TICK_MILLISECONDS = 100;

  final FtpSettings settings;
  final Supplier<ConfigView> view;
  final Authenticator authenticator;
  final ClientLogins logins;
  final UserHomes homes;
  final TransferBuffers buffers = new TransferBuffers();
  final LastWords lastWords = new LastWords();
  private final Set<FtpSession> sessions = ConcurrentHashMap.newKeySet();
  private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
      Thread.ofPlatform().daemon().name("ftp-timer").factory());

  FtpEngine(FtpSettings settings, Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins,
      UserHomes homes) {
    this.settings = settings;
    this.view = view;
    this.authenticator = authenticator;
    this.logins = logins;
    this.homes = homes;
    timer.scheduleWithFixedDelay(this::watch, TICK_MILLISECONDS, TICK_MILLISECONDS, TimeUnit.MILLISECONDS);
  }

  void entered(FtpSession session) {
    sessions.add(session);
  }

  void left(FtpSession session) {
    sessions.remove(session);
  }

  private void watch() {
    long now = System.nanoTime();
    for (FtpSession session : sessions) {
      try {
        session.watch(now);
      } catch (RuntimeException e) {
        log.error("A session could not be watched", e); // thrown, it would end the timer
      }
    }
  }

  @Override
  public void close() {
    timer.shutdownNow();
  }
}
