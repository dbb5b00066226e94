package io.flotilla.adapter;

import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigView;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.function.Consumer;

/** Binds real ports and serves nobody; its clients are put in by the test. */
final class FakeProtocol implements ProtocolAdapter<Integer> {
  final Map<String, FakeListener> listeners = new HashMap<>();
  private final Listener.Protocol protocol;
  /** Keeps listeners from being opened while it is there. */
  Optional<String> problem = Optional.empty();
  boolean closed;

  FakeProtocol(String protocol) {
    this.protocol = new Listener.Protocol(protocol);
  }

  static final class FakeClient implements ProtocolClient {
    final List<String> reasons = new CopyOnWriteArrayList<>();
    volatile boolean transferring;

    @Override
    public boolean isTransferring() {
      return transferring;
    }

    @Override
    public void disconnect(String reason) {
      reasons.add(reason);
    }
  }

  static final class FakeListener implements ProtocolListener<Integer> {
    final List<FakeClient> clients = new CopyOnWriteArrayList<>();
    private final Map<InetSocketAddress, ServerSocket> sockets = new HashMap<>();
    private Integer options;
    volatile boolean disposed;

    private FakeListener(Integer options) {
      this.options = options;
    }

    @Override
    public Integer options() {
      return options;
    }

    @Override
    public void reconfigure(Integer changed) {
      options = changed;
    }

    @Override
    public void bind(InetSocketAddress address) throws IOException {
      ServerSocket socket = new ServerSocket();
      socket.setReuseAddress(true);
      try {
        socket.bind(address);
      } catch (IOException e) {
        socket.close();
        throw e;
      }
      sockets.put(address, socket);
    }

    @Override
    public void release(InetSocketAddress address) {
      try {
        sockets.remove(address).close();
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    @Override
    public List<FakeClient> clients() {
      return List.copyOf(clients);
    }

    @Override
    public void dispose() {
      disposed = true;
      List.copyOf(sockets.keySet()).forEach(this::release);
    }

    /** The addresses it accepts on, such as 127.0.0.1:2022. */
    List<String> addresses() {
      List<String> all = new ArrayList<>();
      sockets.keySet().forEach(address -> all.add(address.getAddress().getHostAddress() + ":" + address.getPort()));
      return all;
    }
  }

  @Override
  public Listener.Protocol protocol() {
    return protocol;
  }

  @Override
  public Set<Kind> kinds() {
    return Set.of(Kind.HOST_KEYS);
  }

  @Override
  public Optional<Integer> options(
      ConfigView.OpenListener open, ConfigView view, Optional<Integer> former, Consumer<String> told) {
    problem.ifPresent(told);
    return problem.isPresent() ? Optional.empty() : Optional.of(open.listener().maxConnections());
  }

  @Override
  public ProtocolListener<Integer> create(String name, Integer options) {
    FakeListener listener = new FakeListener(options);
    listeners.put(name, listener);
    return listener;
  }

  @Override
  public void close() {
    closed = true;
  }
}
