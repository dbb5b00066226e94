package io.flotilla.ftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ConnectionGate;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.Certificate;
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
      tls = tls(ftp, now, problem).or(() -> former.flatMap(FtpListener.Options::tls)
          .map(kept -> kept.with(ftp.tls(), ftp.requireSessionReuse())));
      if (tls.isEmpty()) {
        return Optional.empty(); // never in clear instead
      }
    }
    return Optional.of(new FtpListener.Options(ConnectionGate.Limits.of(listener), listener.idleTimeout(), tls,
        ftp.passivePorts().map(PassivePorts::of).orElse(PassivePorts.ANY), ftp.passiveAddress()));
  }

  private static Optional<FtpTls> tls(Listener.Ftp ftp, ConfigView now, Consumer<String> problem) {
    String name = ftp.certificate().orElse("");
    Optional<Certificate> certificate = now.certificate(name);
    if (certificate.isEmpty()) {
      problem.accept("the certificate " + name + ", which it names, does not exist");
      return Optional.empty();
    }
    if (certificate.get().chain().isEmpty()) {
      problem.accept("this release can't read the certificate " + name + "; upgrade this node");
      return Optional.empty();
    }
    try {
      return Optional.of(new FtpTls(ftp.tls(),
          TlsIdentity.of(certificate.get().chain(), certificate.get().privateKey().reveal()), ftp.requireSessionReuse()));
    } catch (IllegalArgumentException e) {
      problem.accept("certificate " + name + ": " + e.getMessage());
      return Optional.empty();
    }
  }

  @Override
  public ProtocolListener<FtpListener.Options> create(String name, FtpListener.Options options) {
    return new FtpListener(name, engine, options);
  }

  @Override
  public void close() {
    engine.close();
  }
}
