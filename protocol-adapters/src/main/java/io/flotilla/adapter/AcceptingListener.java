package io.flotilla.adapter;

import io.flotilla.config.model.Listener;
import io.flotilla.transport.Acceptor;
import io.flotilla.transport.Incoming;
import io.flotilla.transport.ProxyFault;
import io.flotilla.transport.ProxyRule;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.SocketChannel;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A listener that accepts by itself, and gives each client that its gate admits a virtual thread of its own.
 *
 * @param <O> what applies to new connections
 * @param <C> what serves a client
 */
public abstract class AcceptingListener<O extends AcceptingListener.Options, C extends AcceptingListener.Client>
    implements ProtocolListener<O>, Acceptor.Welcome {
  protected final String name;
  private final Acceptor acceptor;
  private final ConnectionGate gate;
  private final Set<C> clients = ConcurrentHashMap.newKeySet();
  private volatile O options;

  /** What all protocols ask of theirs. */
  public interface Options {
    /** How many connections there may be, of one client among them. */
    ConnectionGate.Limits limits(InetAddress client);

    Listener.Proxies proxies();
  }

  /** A connection that is served on a thread of its own. */
  public interface Client extends ProtocolClient {
    /** Serves it to its end, after which the listener has to be told {@link #ended}. */
    void run();

    /** Breaks it off, without a word. From any thread. */
    void kill();
  }

  protected AcceptingListener(String name, ConnectionGate gate, O options) {
    this.name = name;
    this.acceptor = new Acceptor(name, this);
    this.gate = gate;
    this.options = options;
  }

  @Override
  public final O options() {
    return options;
  }

  @Override
  public void reconfigure(O changed) {
    options = changed;
  }

  @Override
  public final void bind(InetSocketAddress address) throws IOException {
    acceptor.bind(address);
  }

  @Override
  public void release(InetSocketAddress address) {
    acceptor.release(address);
  }

  @Override
  public final List<C> clients() {
    return List.copyOf(clients);
  }

  @Override
  public final void dispose() {
    acceptor.releaseAll();
    clients.forEach(Client::kill);
  }

  /** Whether it has given up its addresses, and not only for the moment in which listeners swap theirs. */
  public final boolean isClosed(long now) {
    return acceptor.isClosed(now);
  }

  /** Whether a client may come whose requests a proxy's connection brings. A refusal is told as an event. */
  public final boolean admits(InetAddress client) {
    return gate.admits(client);
  }

  @Override
  public final ProxyRule rule(InetAddress peer) {
    return ProxyRule.of(options.proxies(), peer);
  }

  @Override
  public final void refused(InetAddress peer, ProxyFault fault) {
    gate.refused(peer, fault);
  }

  @Override
  public final void accept(Incoming incoming) throws IOException {
    O now = options;
    switch (gate.ask(incoming.address(), incoming.isCheck(), now.limits(incoming.address()))) {
      case ConnectionGate.Refused refused -> turnAway(incoming.channel(), now, refused.reason());
      case ConnectionGate.Admitted admitted -> {
        C client = null;
        try {
          client = client(incoming, admitted, now);
          clients.add(client);
          entered(client);
          Thread.ofVirtual().name(name + "-" + incoming.address().getHostAddress()).start(client::run);
        } catch (IOException | RuntimeException | OutOfMemoryError e) {
          admitted.close();
          if (client != null) {
            ended(client);
          }
          throw e;
        }
      }
    }
  }

  /** To be told when a client has been served. */
  public final void ended(C client) {
    left(client);
    clients.remove(client);
  }

  /** What is to serve a connection; nothing has been said to it yet. */
  protected abstract C client(Incoming incoming, ConnectionGate.Admitted admitted, O now) throws IOException;

  /** Ends a connection with the words of its protocol. Must not block. */
  protected abstract void turnAway(SocketChannel channel, O now, ConnectionGate.Refusal reason);

  /** There is one more. */
  protected abstract void entered(C client);

  /** There is one less. */
  protected abstract void left(C client);
}
