package io.flotilla.http.server;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.vfs.UserHomes;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apache.pekko.actor.typed.ActorSystem;

/** Serves HTTP/1.1, in clear and under TLS. */
public final class HttpAdapter implements ProtocolAdapter<HttpListener.Options> {
  static final Listener.Protocol PROTOCOL = Listener.Protocol.HTTP;

  final HttpEngine engine;

  /**
   * @param view the present configuration
   * @param sessions of the users who log in once for many requests
   * @param system in which the connections run; it has to outlive this
   * @param guests what is served to whoever comes
   * @param requests what is served to users
   * @param passwords by which users change their own
   */
  public HttpAdapter(Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins, UserHomes homes,
      HttpSessions sessions, HttpSettings settings, ActorSystem<?> system, GuestRequests guests, UserRequests requests,
      PasswordChanges passwords) {
    this.engine = new HttpEngine(settings, view, new KnownCredentials(authenticator, settings.credentialMemory()), logins, homes,
        sessions, system, guests, requests, passwords);
  }

  @Override
  public Listener.Protocol protocol() {
    return PROTOCOL;
  }

  @Override
  public Set<Kind> kinds() {
    return Set.of(Kind.CERTIFICATES);
  }

  @Override
  public Optional<HttpListener.Options> options(ConfigView.OpenListener open, ConfigView now,
      Optional<HttpListener.Options> former, Consumer<String> problem) {
    Listener listener = open.listener();
    Listener.Http http = listener.http();
    Optional<HttpListener.Tls> tls = Optional.empty();
    if (http.tls()) {
      Optional<HttpListener.Tls> present = former.flatMap(HttpListener.Options::tls);
      tls = TlsIdentity.named(http.certificate().orElse(""), now, problem)
          .map(identity -> present.filter(kept -> kept.identity().equals(identity)).orElseGet(() -> HttpListener.Tls.of(identity)))
          .or(() -> present);
      if (tls.isEmpty()) {
        return Optional.empty(); // never in clear instead
      }
    }
    return Optional.of(new HttpListener.Options(ConnectionGate.Limits.of(listener), listener.idleTimeout(), tls, http.webClient(),
        listener.proxies(), http.forwardedBy()));
  }

  @Override
  public ProtocolListener<HttpListener.Options> create(String name, HttpListener.Options options) {
    return new HttpListener(name, engine, options);
  }

  @Override
  public double use() {
    return engine.buffers.use();
  }

  @Override
  public void close() {
    engine.close();
  }
}
