package io.flotilla.adapter;

import io.flotilla.auth.Authenticator;
import io.flotilla.auth.LoginResult;
import io.flotilla.auth.Origin;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.model.User;
import io.flotilla.config.view.ConfigView;
import java.time.Clock;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The clients that are logged in, whatever their protocol: tells of logins, and ends the sessions of those whom the
 * configuration no longer lets in. No login slips through a change that comes while it is checked: it is entered first and
 * judged again after that, and a change is published before {@link #endRevoked} looks for sessions. Safe for all threads;
 * nothing here blocks.
 */
public final class ClientLogins {
  private static final Logger log = LoggerFactory.getLogger(ClientLogins.class);

  private final Supplier<ConfigView> view;
  private final LiveConnections connections;
  private final ClientEventSink events;
  private final Clock clock;
  private final Set<ClientLogin> logins = ConcurrentHashMap.newKeySet();
  private final UserSessions sessions = new UserSessions();

  /**
   * @param view the configuration logins are judged by; swapped before {@link #endRevoked} is called
   */
  public ClientLogins(Supplier<ConfigView> view, LiveConnections connections, ClientEventSink events, Clock clock) {
    this.view = view;
    this.connections = connections;
    this.events = events;
    this.clock = clock;
  }

  /** One client from its login to its end. Closing it twice is harmless. */
  public final class ClientLogin implements AutoCloseable {
    private final LoginResult.Granted granted;
    private final LiveConnections.Connection connection;
    private final UserSessions.Shared shared;
    private final Consumer<String> disconnect;
    private final Place place;

    private ClientLogin(LoginResult.Granted granted, LiveConnections.Connection connection, UserSessions.Shared shared,
        Consumer<String> disconnect, Place place) {
      this.place = place;
      this.granted = granted;
      this.shared = shared;
      this.connection = connection;
      this.disconnect = disconnect;
    }

    /** What was granted, with the user as it was then. */
    public LoginResult.Granted granted() {
      return granted;
    }

    public LiveConnections.Connection connection() {
      return connection;
    }

    /** Accounts for the transfers of this client. */
    public TransferLog transfers() {
      return transfers(connection.protocol());
    }

    /** The same for transfers by another protocol than the connection's. */
    public TransferLog transfers(String protocol) {
      return new TransferLog(connection, protocol, shared::pace, events, clock);
    }

    private void endIfRevoked(ConfigView now) {
      Authenticator.revoked(now, granted, clock.instant()).ifPresent(reason -> {
        log.info("Ended the session of user {} from {}: {}", connection.user(), connection.address(), reason);
        disconnect.accept(reason);
      });
    }

    /** The client's connection has ended. */
    @Override
    public void close() {
      if (logins.remove(this)) {
        connection.close();
        sessions.leave(connection.user(), place.session());
        if (place.isAll()) {
          events.accept(new ClientEvent.LoggedOut(
              clock.instant(), connection.user(), connection.protocol(), connection.address()));
        }
      }
    }
  }

  /** Lets the connections of a listener in. */
  public ConnectionGate gate(String listener, Listener.Protocol protocol, int maxUnauthenticated) {
    return new ConnectionGate(listener, protocol, maxUnauthenticated, view, events, clock);
  }

  /**
   * Where a connection belongs.
   *
   * @param session what is the same for all its connections
   * @param isAll whether the session begins and ends with the connection
   */
  private record Place(Object session, boolean isAll) {}

  /**
   * Enters a client that has logged in; nothing if its user has as many sessions here as they may, which has been told then.
   *
   * @param disconnect ends its connection, with a reason for the client; must not block. It may be called before this
   *     returns, if the login no longer counts
   */
  public Optional<ClientLogin> enter(LoginResult.Granted granted, Consumer<String> disconnect) {
    return enter(granted, new Place(new Object(), true), disconnect);
  }

  /**
   * The same for a connection of a session that began before and may have others; together they count as one, and that they come and go
   * is not told.
   */
  public Optional<ClientLogin> join(LoginResult.Granted granted, String session, Consumer<String> disconnect) {
    return enter(granted, new Place(session, false), disconnect);
  }

  private Optional<ClientLogin> enter(LoginResult.Granted granted, Place place, Consumer<String> disconnect) {
    String user = granted.user().name();
    Listener.Protocol protocol = granted.origin().protocol();
    String address = granted.origin().address().getHostAddress();
    Optional<UserSessions.Shared> shared = sessions.enter(granted.user(), place.session());
    if (shared.isEmpty()) {
      refused(granted.origin(), user, granted.credential().method(), LoginResult.Reason.TOO_MANY_SESSIONS);
      return Optional.empty();
    }
    ClientLogin login = new ClientLogin(
        granted, connections.open(protocol.id(), user, address, disconnect), shared.get(), disconnect, place);
    logins.add(login);
    if (place.isAll()) {
      events.accept(new ClientEvent.LoginSucceeded(
          clock.instant(), user, protocol.id(), address, granted.credential().method()));
    }
    // A change that came after the check found no session to end yet.
    ConfigView now = view.get();
    now.user(user).ifPresent(sessions::changed);
    login.endIfRevoked(now);
    return Optional.of(login);
  }

  /** Tells of a login that was refused. */
  public void refused(Origin origin, String user, String method, LoginResult.Reason reason) {
    events.accept(new ClientEvent.LoginFailed(clock.instant(), user, origin.protocol().id(),
        origin.address().getHostAddress(), method, reason.words()));
  }

  /** Ends the sessions that a published change no longer lets in, and brings the limits of others up to date. */
  public void endRevoked(ConfigDelta delta, ConfigView now) {
    Set<String> changed = delta.names(Kind.USERS);
    boolean mayConcernAll = delta.touches(Kind.FOLDERS, Kind.GROUPS, Kind.STORAGES, Kind.NODES, Kind.ACCESS_RULES);
    Set<String> listeners = delta.names(Kind.LISTENERS);
    if (!changed.isEmpty() || !listeners.isEmpty() || mayConcernAll) {
      logins.stream().filter(login -> mayConcernAll || changed.contains(login.connection.user())
              || login.granted.credential().certificate().filter(from -> listeners.contains(from.listener())).isPresent())
          .forEach(login -> {
            now.user(login.connection.user()).ifPresent(sessions::changed);
            login.endIfRevoked(now);
          });
    }
  }

  /** Ends the sessions of users who have expired by now, or whose credential has; to be called every second. */
  public void endExpired() {
    ConfigView now = view.get();
    logins.stream()
        .filter(login -> login.granted.credential().expiresAt().isPresent()
            || now.user(login.connection.user()).flatMap(User::expiresAt).isPresent())
        .forEach(login -> login.endIfRevoked(now));
  }
}
