package io.flotilla.ftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.vfs.UserHomes;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Serves FTP, in clear and under TLS. */
public final class FtpAdapter implements ProtocolAdapter<FtpListener.Options> {
  static final Listener.Protocol PROTOCOL = Listener.Protocol.FTP;

  private final FtpEngine engine;

  /**
   * @param view the present configuration
   * @param uploads shared by all adapters of the process
   */
  public FtpAdapter(Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins, UserHomes homes,
      FtpSettings settings) {
    this.engine = new FtpEngine(settings, view, authenticator, logins, homes);
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
  public Optional<FtpListener.Options> options(ConfigView.OpenListener open, ConfigView now,
      Optional<FtpListener.Options> former, Consumer<String> problem) {
    Listener listener = open.listener();
    Listener.Ftp ftp = listener.ftp();
    Optional<FtpTls> tls = Optional.empty();
    if (ftp.tls() != Listener.Tls.OFF) {
      tls = TlsIdentity.named(ftp.certificate().orElse(""), now, problem)
          .map(identity -> new FtpTls(ftp.tls(), identity, ftp.requireSessionReuse())).or(() -> former.flatMap(FtpListener.Options::tls)
          .map(kept -> kept.with(ftp.tls(), ftp.requireSessionReuse())));
      if (tls.isEmpty()) {
        return Optional.empty(); // never in clear instead
      }
    }
    return Optional.of(new FtpListener.Options(ConnectionGate.Limits.of(listener), listener.idleTimeout(), tls,
        ftp.passivePorts().map(PassivePorts::of).orElse(PassivePorts.ANY), ftp.passiveAddress(), listener.proxies()));
  }

  @Override
  public ProtocolListener<FtpListener.Options> create(String name, FtpListener.Options options) {
    return new FtpListener(name, engine, options);
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
