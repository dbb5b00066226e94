package io.flotilla.ftp;

import io.flotilla.adapter.AcceptingListener;
import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.TerminalText;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.User;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.PlainTransport;
import io.flotilla.transport.TlsTransport;
import io.flotilla.transport.Transport;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.channels.SocketChannel;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.CompletionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One client's control connection. Its thread reads commands all the time, so that ABOR and the client's end are noticed
 * during a transfer, which runs on a thread of its own. Commands are served in order, one at a time, by whoever holds the
 * turn: while a task runs they wait (ABOR, STAT and NOOP don't), and the task's thread serves them after its reply.
 * {@link #watch} and {@link #disconnect} may be called by any thread and never block.
 */
final class FtpSession implements AcceptingListener.Client, DataTask.DataChannels {
  private static final Logger log = LoggerFactory.getLogger(FtpSession.class);
  private static final int MAX_LOGINS = 3;
  /** Before the login: another protocol's client, or one that was made to speak to us (cross-protocol attacks). */
  private static final int MAX_NONSENSE = 5;
  private static final int MAX_WAITING = 100;
  private static final long FAREWELL_MILLISECONDS = 1000;
  /** How long a client of a closed listener may take from one command to the next: as long as a drain bears it at most. */
  private static final long QUIET_NANOSECONDS = 5_000_000_000L;
  private static final String METHOD = "password";

  private final FtpListener listener;
  private final FtpEngine engine;
  private final SocketChannel channel;
  private final ByteBuffer early;
  private final ConnectionGate.Admitted admitted;
  private final InetAddress called;
  private final InetAddress peer;
  private final Protection protection;
  private volatile Transport transport;
  private final ControlReader in;
  private final ControlWriter out;
  private final DataPort dataPort;
  private final ClientPresence presence;

  /** Held by whoever serves a command or ends a task. */
  private final ReentrantLock turn = new ReentrantLock();
  private final Condition taskEnded = turn.newCondition();
  private final ArrayDeque<FtpCommand> waiting = new ArrayDeque<>();
  private String userName;
  private int refusedLogins;
  private int nonsense;
  /** Whether it is a task's thread that serves. */
  private boolean servingWaiting;

  /** Written under the turn, read by the timer. */
  private volatile DataTask task;
  private volatile UserCommands user;
  private volatile ClientLogins.ClientLogin login;
  private volatile boolean serving = true;
  private volatile boolean handshaking;
  private volatile boolean quit;
  private volatile long lastActive = System.nanoTime();
  private volatile long unauthenticatedSince = lastActive;
  private volatile long endedAt;
  private final AtomicBoolean ending = new AtomicBoolean();

  /** @param admitted closed with the session; if this throws, by the caller */
  FtpSession(FtpListener listener, FtpEngine engine, Incoming connection, ConnectionGate.Admitted admitted)
      throws IOException {
    this.listener = listener;
    this.engine = engine;
    this.channel = connection.channel();
    this.early = connection.early();
    this.admitted = admitted;
    this.called = connection.called().getAddress();
    this.peer = connection.address();
    this.protection = new Protection(() -> options().tls());
    this.transport = new PlainTransport(channel, early);
    this.out = new ControlWriter(transport);
    this.presence = new ClientPresence(engine.settings.vigil(), this::announce);
    this.in = new ControlReader(transport, out::raw);
    this.dataPort = new DataPort(((InetSocketAddress) channel.getLocalAddress()).getAddress(), DataPeer.of(connection, () -> options().proxies()));
  }

  String address() {
    return peer.getHostAddress();
  }

  private Origin origin() {
    return new Origin(FtpAdapter.PROTOCOL, peer);
  }

  /** Where the client connected to, as it sees it: a proxy's address, if one says so. */
  InetAddress called() {
    return called;
  }

  InetAddress peer() {
    return peer;
  }

  DataPort dataPort() {
    return dataPort;
  }

  Upload.Client presence() {
    return presence;
  }

  void logRefusal(String what) {
    listener.logRefusal(what);
  }

  FtpListener.Options options() {
    return listener.options();
  }

  /** Serves the client until one side ends it. */
  @Override
  public void run() {
    try {
      if (protection.isImplicit()) {
        secure();
        protection.protectData(true);
      }
      out.reply(220, "Flotilla is ready");
      serving = false;
      for (ControlLine line = in.next(); line != null; line = in.next()) {
        serving = true;
        receive(line);
        lastActive = System.nanoTime();
        serving = false;
      }
      presence.inputEnded();
      awaitTask();
    } catch (IOException e) {
      log.debug("The control connection of {} broke: {}", address(), e.toString());
      broken();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    } catch (RuntimeException e) {
      log.error("The session of {} failed by a defect", address(), e);
    } finally {
      close();
    }
  }

  private void receive(ControlLine line) throws IOException {
    if (ending.get() || quit) {
      return; // only drained: closed with unread bytes, the connection would be reset, and the last word might be lost
    }
    FtpCommand command = switch (line) {
      case ControlLine.Text text -> FtpParser.parse(text.bytes());
      case ControlLine.Bad bad -> new FtpCommand.Unreadable(bad.problem());
    };
    if (command instanceof FtpCommand.Quit) {
      presence.quitReceived();
    }
    turn.lock();
    try {
      if (task == null) {
        serve(command);
      } else {
        receiveDuringTask(command, task);
      }
    } finally {
      turn.unlock();
    }
  }

  private void receiveDuringTask(FtpCommand command, DataTask running) throws IOException {
    switch (command) {
      case FtpCommand.Abort abort -> {
        waiting.addFirst(abort); // answered right after the task
        running.end(DataTask.Ending.ABORTED);
      }
      case FtpCommand.NoOperation _ -> out.reply(200, "OK");
      case FtpCommand.Status status when status.path().isEmpty() -> {
        List<String> lines = new ArrayList<>(user.statusLines());
        lines.add(TerminalText.of(running.what()) + " is running");
        out.reply(211, "Status", lines, "End");
      }
      default -> waiting.add(command);
    }
    if (waiting.size() > MAX_WAITING) {
      disconnect("Too many commands wait for the end of the transfer");
    }
  }

  /** Serves a command with the turn held. */
  private void serve(FtpCommand command) throws IOException {
    try {
      switch (command) {
        case FtpCommand.Anytime anytime -> serveAnytime(anytime);
        case FtpCommand.LoggedIn loggedIn -> {
          UserCommands commands = user;
          if (commands == null) {
            out.reply(530, "Log in with USER and PASS");
          } else {
            commands.serve(loggedIn).ifPresent(this::start);
          }
        }
      }
    } catch (VfsException e) {
      out.reply(Reply.of(e));
    } catch (RuntimeException e) {
      log.error("A command of {} failed by a defect: {}", address(), command.getClass().getSimpleName(), e);
      out.reply(451, "The server has failed");
    }
  }

  private void serveAnytime(FtpCommand.Anytime command) throws IOException {
    switch (command) {
      case FtpCommand.User c -> user(c.name());
      case FtpCommand.Password c -> password(c.text());
      case FtpCommand.Account _ -> out.reply(202, "No account is needed");
      case FtpCommand.Reinitialize _ -> reinitialize();
      case FtpCommand.Quit _ -> {
        quit = true;
        out.reply(221, "Goodbye");
        transport.endOutput();
      }
      case FtpCommand.NoOperation _ -> out.reply(200, "OK");
      case FtpCommand.SystemType _ -> out.reply(215, "UNIX Type: L8");
      case FtpCommand.Features _ -> out.reply(211, "Features", features(), "End");
      case FtpCommand.ClientName _ -> out.reply(200, "Noted");
      case FtpCommand.Help _ -> out.reply(214, "These commands are known", Features.COMMANDS, "End");
      case FtpCommand.Option c -> option(c);
      case FtpCommand.Abort _ -> out.reply(226, "Nothing is running any more");
      case FtpCommand.Protect c -> protect(c.mechanism());
      case FtpCommand.ProtectionBuffer _ -> out.reply(protection.size());
      case FtpCommand.ProtectionLevel c -> out.reply(protection.level(c.level()));
      case FtpCommand.ClearControl _ -> out.reply(534, "The control connection stays protected");
      case FtpCommand.BadArgument c -> out.reply(501, c.problem());
      case FtpCommand.NotOffered c -> out.reply(c.code(), c.what());
      case FtpCommand.UnknownFamily _ -> out.reply(522, "Network protocol not supported, use (1,2)");
      case FtpCommand.Unknown _ -> nonsense("There is no such command");
      case FtpCommand.Unreadable c -> nonsense(c.problem());
    }
  }

  private void protect(String mechanism) throws IOException {
    Optional<Reply> objection = protection.objection(mechanism);
    if (objection.isPresent()) {
      out.reply(objection.get());
    } else if (user != null || userName != null) {
      out.reply(503, "AUTH comes before the login; REIN ends that");
    } else if (servingWaiting) {
      out.reply(503, "AUTH can't wait for the end of a transfer; send it now"); // the other thread is reading in clear
    } else {
      out.reply(234, "Begin TLS now");
      secure();
      protection.protectData(mechanism.equals("SSL")); // what clients that say so expect (draft-murray-auth-ftp-ssl)
    }
  }

  /** Goes on under TLS; what the client sent before is forgotten. */
  private void secure() throws IOException {
    handshaking = true;
    TlsTransport secured = protection.secure(channel, early);
    transport = secured;
    in.switchTo(secured);
    out.switchTo(secured);
    handshaking = false;
  }

  /** Whether a transfer may begin; else the client has been told why not. */
  boolean mayTransfer() throws IOException {
    boolean allowed = protection.letsTransfer();
    if (!allowed) {
      out.reply(521, "Data has to be protected here: send PROT P");
    }
    return allowed;
  }

  private List<String> features() {
    UserCommands commands = user;
    return Features.lines(protection.isOffered(), commands == null ? HashAlgorithm.SHA_256 : commands.hash(),
        commands == null ? MachineFacts.ALL : commands.facts());
  }

  private void option(FtpCommand.Option option) throws IOException {
    UserCommands commands = user;
    if (option.name().equals("UTF8") || option.name().equals("UTF-8")) {
      out.reply(200, "Names are UTF-8 in any case");
    } else if (commands == null) {
      out.reply(530, "Log in with USER and PASS");
    } else {
      commands.option(option);
    }
  }

  private void nonsense(String problem) throws IOException {
    if (user == null && ++nonsense >= MAX_NONSENSE) {
      disconnect("This is an FTP server");
    } else {
      out.reply(500, problem);
    }
  }

  private void user(String name) throws IOException {
    if (user != null) {
      out.reply(503, "You are logged in; REIN ends that");
      return;
    }
    if (!protection.isSecured() && protection.isRequired()) {
      out.reply(530, "Logins have to be protected here: send AUTH TLS"); // before a password is sent in clear
      return;
    }
    userName = name;
    out.reply(331, "Now the password");
  }

  private void password(String text) throws IOException {
    String name = userName;
    userName = null;
    if (user != null) {
      out.reply(503, "You are logged in; REIN ends that");
    } else if (name == null) {
      out.reply(503, "USER comes first");
    } else {
      logIn(name, text);
    }
  }

  /** Blocks until the password was checked: nothing is served meanwhile. */
  private void logIn(String name, String password) throws IOException {
    LoginResult result;
    try {
      result = engine.authenticator.password(name, password, Optional.empty(), origin()).join();
    } catch (CompletionException e) {
      log.error("A password check failed by a defect", e);
      disconnect("The server has failed");
      return;
    }
    switch (result) {
      case LoginResult.Granted granted -> enter(granted);
      case LoginResult.Refused refused -> {
        engine.logins.refused(origin(), name, METHOD, refused.reason());
        if (refused.reason() == LoginResult.Reason.BUSY) {
          disconnect("Too many logins at once; try again later");
          return;
        }
        pause(engine.settings.refusalDelay());
        if (++refusedLogins >= MAX_LOGINS) {
          disconnect("Login incorrect, too often");
        } else {
          out.reply(530, "Login incorrect");
        }
      }
    }
  }

  private void enter(LoginResult.Granted granted) throws IOException {
    User who = granted.user();
    VirtualFileSystem files;
    try {
      files = engine.homes.open(engine.view.get(), who);
    } catch (VfsException e) {
      log.error("Refused user {} from {}: {}", who.name(), address(), e.getMessage());
      disconnect("The home directory is not available");
      return;
    }
    Optional<ClientLogins.ClientLogin> entered = engine.logins.enter(granted, this::disconnect);
    if (entered.isEmpty()) {
      files.close();
      disconnect(LoginResult.Reason.TOO_MANY_SESSIONS.words());
      return;
    }
    admitted.authenticated(true);
    user = new UserCommands(this, engine, out, files, who.name(), entered.get().transfers());
    login = entered.get();
    if (!ending.get()) { // the login may have been revoked at once, and the client been told goodbye
      out.reply(230, "Logged in");
    }
  }

  private void reinitialize() throws IOException {
    if (user != null) { // else the time for the login would begin anew with each REIN
      nonsense = 0;
      unauthenticatedSince = System.nanoTime();
    }
    logOut();
    protection.forgetLevel();
    out.reply(220, "Ready for another user");
  }

  private void logOut() {
    userName = null;
    dataPort.clear();
    UserCommands former = user;
    if (former != null) {
      user = null;
      login.close();
      login = null;
      admitted.authenticated(false);
      former.close(); // the last, because a storage may hang
    }
  }

  private static void pause(Duration time) {
    try {
      Thread.sleep(time);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private void start(DataTask started) {
    task = started;
    if (ending.get()) {
      started.end(DataTask.Ending.SESSION_OVER); // a disconnect that came before could not see it
    }
    Thread.ofVirtual().name("ftp-data-" + address()).start(() -> {
      Reply reply = started.run();
      turn.lock();
      try {
        finish(reply);
      } catch (IOException e) {
        broken();
        transport.close();
      } finally {
        task = task == started ? null : task;
        taskEnded.signalAll();
        turn.unlock();
      }
    });
  }

  /** Sends a task's reply and serves what has waited, up to the next task. */
  private void finish(Reply reply) throws IOException {
    if (!ending.get()) {
      out.reply(reply);
    }
    task = null;
    lastActive = System.nanoTime();
    servingWaiting = true;
    try {
      while (task == null && !quit && !ending.get() && !waiting.isEmpty()) {
        serve(waiting.poll());
      }
    } finally {
      servingWaiting = false;
    }
  }

  private void awaitTask() throws InterruptedException {
    turn.lock();
    try {
      while (task != null) {
        taskEnded.await();
      }
    } finally {
      turn.unlock();
    }
  }

  @Override
  public DataConnection wrap(SocketChannel socket) throws IOException {
    return protection.wrap(socket, engine.buffers);
  }

  @Override
  public void announce(String text) throws IOException {
    out.reply(150, text);
  }

  private void broken() {
    presence.broken();
    DataTask running = task;
    if (running != null) {
      running.end(DataTask.Ending.SESSION_OVER);
    }
  }

  @Override
  public boolean isTransferring() {
    return task != null;
  }

  /** Ends the session with a last word; a running transfer is broken off. */
  @Override
  public void disconnect(String reason) {
    if (!ending.compareAndSet(false, true)) {
      return;
    }
    endedAt = System.nanoTime();
    if (handshaking) {
      transport.close(); // there is no way yet to say why
      return;
    }
    DataTask running = task;
    if (running != null) {
      running.end(DataTask.Ending.SESSION_OVER);
    }
    Thread.ofVirtual().name("ftp-farewell-" + address()).start(() -> {
      try {
        if (!out.farewell(421, sentence(reason), FAREWELL_MILLISECONDS)) {
          transport.close();
        }
      } catch (IOException e) {
        transport.close();
      }
    });
  }

  static String sentence(String reason) {
    return reason.substring(0, 1).toUpperCase(java.util.Locale.ROOT) + reason.substring(1);
  }

  /** Ends the session at once. */
  @Override
  public void kill() {
    ending.set(true);
    transport.close();
  }

  /** Looks whether a time is over; called by the timer. */
  void watch(long now) {
    FtpSettings settings = engine.settings;
    if (ending.get() || quit) {
      if (endedAt == 0) {
        endedAt = now;
      } else if (now - endedAt > 2 * FAREWELL_MILLISECONDS * 1_000_000 && (task == null || ending.get())) {
        transport.close(); // the client didn't take its leave
      }
      return;
    }
    dataPort.expire(now, settings.dataConnectTimeout());
    DataTask running = task;
    if (running != null && isOver(running.waitingSince(), now, settings.stallTimeout())) {
      running.end(DataTask.Ending.STALLED);
    }
    if (isOver(out.waitingSince(), now, settings.stallTimeout())) {
      log.info("Closed the connection of {}, which takes no replies", address());
      kill();
    } else if (user == null && now - unauthenticatedSince > settings.loginGrace().toNanos()) {
      disconnect("The login took too long");
    } else if (running == null && !serving && listener.isClosed(now) && now - lastActive > QUIET_NANOSECONDS) {
      disconnect("The listener was closed"); // a client that transfers, logs in or goes from file to file goes on until it has finished
    } else if (user != null && running == null && !serving && now - lastActive > options().idleTimeout().toNanos()) {
      disconnect("The session was idle for too long");
    }
  }

  private static boolean isOver(OptionalLong since, long now, Duration longest) {
    return since.isPresent() && now - since.getAsLong() > longest.toNanos();
  }

  private void close() {
    dataPort.close();
    transport.close();
    turn.lock();
    try {
      if (task != null) {
        task.end(DataTask.Ending.SESSION_OVER);
      }
      while (task != null) {
        taskEnded.awaitUninterruptibly();
      }
      listener.ended(this);
      admitted.close();
      if (login != null) {
        login.close();
      }
      if (user != null) {
        user.close(); // the last, because a storage may hang
      }
    } finally {
      turn.unlock();
    }
  }
}
