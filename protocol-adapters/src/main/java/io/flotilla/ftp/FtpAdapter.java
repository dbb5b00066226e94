package io.flotilla.ftp;

import io.flotilla.adapter.ClientLogins;
import io.flotilla.adapter.ProtocolAdapter;
import io.flotilla.adapter.ProtocolListener;
import io.flotilla.auth.Authenticator;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import io.flotilla.vfs.ActiveUploads;
import io.flotilla.vfs.UserHomes;
import java.net.InetAddress;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.Supplier;

/** Serves FTP. */
public final class FtpAdapter implements ProtocolAdapter<FtpListener.Options> {
  static final Listener.Protocol PROTOCOL = Listener.Protocol.FTP;

  private final FtpEngine engine;

  /**
   * @param view the present configuration
   * @param uploads shared by all adapters of the process
   */
  public FtpAdapter(Supplier<ConfigView> view, Authenticator authenticator, ClientLogins logins, ActiveUploads uploads,
      FtpSettings settings) {
    this.engine = new FtpEngine(settings, view, authenticator, logins, new UserHomes(uploads));
  }

  @Override
  public Listener.Protocol protocol() {
    return PROTOCOL;
  }

  @Override
  public Set<Kind> kinds() {
    return Set.of();
  }

  @Override
  public Optional<FtpListener.Options> options(ConfigView.OpenListener open, ConfigView now,
      Optional<FtpListener.Options> former, Consumer<String> problem) {
    Listener listener = open.listener();
    return Optional.of(new FtpListener.Options(listener.maxConnections(), listener.idleTimeout(),
        listener.ftp().passivePorts().map(PassivePorts::of).orElse(PassivePorts.ANY),
        open.passiveAddress().map(InetAddress::ofLiteral)));
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
