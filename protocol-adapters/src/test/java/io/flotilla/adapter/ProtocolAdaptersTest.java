package io.flotilla.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotSame;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.Kind;
import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CopyOnWriteArrayList;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The listeners of several protocols follow one configuration, and each other's addresses. */
class ProtocolAdaptersTest {
  private final TestConfiguration config = new TestConfiguration();
  private final List<ClientEvent> events = new CopyOnWriteArrayList<>();
  private final FakeProtocol ftp = new FakeProtocol("ftp");
  private final FakeProtocol sftp = new FakeProtocol("sftp");
  private final Set<Integer> handedOut = new HashSet<>();
  private ProtocolAdapters adapters = adapters(Duration.ofMinutes(30));

  private ProtocolAdapters adapters(Duration drain) {
    Clock clock = Clock.systemUTC();
    return new ProtocolAdapters(List.of(ftp, sftp),
        new ClientLogins(config::view, new LiveConnections(clock), events::add, clock), events::add, drain, clock);
  }

  @AfterEach
  void close() {
    adapters.close(Duration.ZERO);
    assertTrue(ftp.closed && sftp.closed);
  }

  private int freePort() throws IOException {
    while (true) {
      try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
        if (handedOut.add(socket.getLocalPort())) {
          return socket.getLocalPort();
        }
      }
    }
  }

  private void listener(String name, String protocol, String address, int port) {
    config.put(Kind.LISTENERS, name, json ->
        json.put("protocol", protocol).put("address", address).put("port", port));
  }

  private void listener(String name, String protocol, int port) {
    listener(name, protocol, "127.0.0.1", port);
  }

  private void checkAndCommit() {
    assertEquals(List.of(), config.check(adapters));
    assertEquals(List.of(), config.commit(adapters));
  }

  private static List<String> at(int port) {
    return List.of("127.0.0.1:" + port);
  }

  private <T extends ClientEvent> List<T> events(Class<T> type) {
    return events.stream().filter(type::isInstance).map(type::cast).toList();
  }

  @Test
  void listenersOfTwoProtocols_swapTheirPorts() throws Exception {
    int first = freePort();
    int second = freePort();
    listener("a", "ftp", first);
    listener("b", "sftp", second);
    checkAndCommit();
    listener("a", "ftp", second);
    listener("b", "sftp", first);
    checkAndCommit();
    assertEquals(at(second), ftp.listeners.get("a").addresses());
    assertEquals(at(first), sftp.listeners.get("b").addresses());
    assertEquals(4, events(ClientEvent.ListenerOpened.class).size());
    assertEquals(2, events(ClientEvent.ListenerClosed.class).size());
  }

  @Test
  void listenerThatCanNotGoOnAsItIsWanted_isClosed_untilItCan() throws Exception {
    int port = freePort();
    listener("a", "ftp", port);
    checkAndCommit();
    FakeProtocol.FakeListener before = ftp.listeners.get("a");
    ftp.problem = Optional.of("its certificate can't be read");
    config.change(Kind.LISTENERS, "a", json -> json.put("maxConnections", 5));
    assertEquals(List.of("listener a: its certificate can't be read"), config.commit(adapters));
    assertEquals(List.of(), before.addresses(), "it must not go on as it was");
    ftp.problem = Optional.empty();
    assertEquals(List.of(), config.commit(adapters));
    assertEquals(at(port), ftp.listeners.get("a").addresses());
  }

  @Test
  void portThatAnotherProtocolGivesUp_isTakenInTheSameChange_whateverTheOrder() throws Exception {
    List<Integer> ports = new ArrayList<>(List.of(freePort(), freePort(), freePort(), freePort()));
    listener("a", "ftp", ports.get(0));
    listener("b", "sftp", ports.get(1));
    listener("c", "ftp", ports.get(2));
    checkAndCommit();
    listener("a", "ftp", ports.get(1));
    listener("b", "sftp", ports.get(2));
    listener("c", "ftp", ports.get(3));
    checkAndCommit();
    assertEquals(at(ports.get(1)), ftp.listeners.get("a").addresses());
    assertEquals(at(ports.get(2)), sftp.listeners.get("b").addresses());
    assertEquals(at(ports.get(3)), ftp.listeners.get("c").addresses());
    listener("c", "ftp", ports.get(2));
    listener("b", "sftp", ports.get(1));
    listener("a", "ftp", ports.get(0));
    checkAndCommit();
    assertEquals(at(ports.get(2)), ftp.listeners.get("c").addresses());
    config.remove(Kind.LISTENERS, "c");
    listener("heir", "sftp", ports.get(2));
    checkAndCommit();
    assertEquals(at(ports.get(2)), sftp.listeners.get("heir").addresses());
  }

  @Test
  void threeListenersInACircle_allMove() throws Exception {
    List<Integer> ports = new ArrayList<>(List.of(freePort(), freePort(), freePort()));
    String[] protocols = {"ftp", "sftp", "ftp"};
    for (int i = 0; i < 3; i++) {
      listener("l" + i, protocols[i], ports.get(i));
    }
    checkAndCommit();
    for (int i = 0; i < 3; i++) {
      listener("l" + i, protocols[i], ports.get((i + 1) % 3));
    }
    checkAndCommit();
    assertEquals(at(ports.get(1)), ftp.listeners.get("l0").addresses());
    assertEquals(at(ports.get(2)), sftp.listeners.get("l1").addresses());
    assertEquals(at(ports.get(0)), ftp.listeners.get("l2").addresses());
  }

  @Test
  void listenerThatCantWiden_staysWhereItWas_andNamesWhoIsInItsWay() throws Exception {
    int port = freePort();
    listener("a", "ftp", port);
    listener("b", "sftp", "127.0.0.2", port);
    checkAndCommit();
    listener("a", "ftp", "0.0.0.0", port);
    List<String> expected = List.of("listener a: listener b has port " + port + " there");
    assertEquals(expected, config.check(adapters));
    assertEquals(expected, config.commit(adapters));
    assertEquals(at(port), ftp.listeners.get("a").addresses());
    assertEquals(List.of(), events(ClientEvent.ListenerClosed.class));
    assertEquals(2, events(ClientEvent.ListenerOpened.class).size());
    config.remove(Kind.LISTENERS, "b");
    checkAndCommit();
    assertEquals(List.of("0.0.0.0:" + port), ftp.listeners.get("a").addresses());
  }

  @Test
  void listenerOfAnotherProtocolUnderTheSameName_takesItsPort() throws Exception {
    int port = freePort();
    listener("a", "sftp", port);
    checkAndCommit();
    FakeProtocol.FakeListener old = sftp.listeners.get("a");
    FakeProtocol.FakeClient client = new FakeProtocol.FakeClient();
    old.clients.add(client);
    listener("a", "ftp", port);
    checkAndCommit();
    assertEquals(at(port), ftp.listeners.get("a").addresses());
    assertEquals(List.of(), old.addresses());
    assertFalse(old.disposed, "a client is there");
    assertEquals(List.of(), client.reasons);
    old.clients.clear();
    Awaitility.await().until(() -> old.disposed);
  }

  @Test
  void clientsOfAClosedListener_areEndedWhenTheDrainTimeIsOver() throws Exception {
    adapters.close(Duration.ZERO);
    adapters = adapters(Duration.ofMillis(50));
    listener("a", "ftp", freePort());
    checkAndCommit();
    FakeProtocol.FakeClient client = new FakeProtocol.FakeClient();
    ftp.listeners.get("a").clients.add(client);
    config.remove(Kind.LISTENERS, "a");
    checkAndCommit();
    Awaitility.await().until(() -> client.reasons.equals(List.of("the listener was closed")));
    ftp.listeners.get("a").clients.clear();
  }

  @Test
  void listenerThatItsProtocolCantServe_isToldOnce_andOpenedWhenItCan() throws Exception {
    ftp.problem = Optional.of("it lacks a certificate");
    int port = freePort();
    listener("a", "ftp", port);
    listener("b", "sftp", freePort());
    List<String> expected = List.of("listener a: it lacks a certificate");
    assertEquals(expected, config.check(adapters));
    assertEquals(expected, config.commit(adapters));
    assertEquals(expected, config.commit(adapters));
    assertEquals(1, sftp.listeners.get("b").addresses().size());
    assertEquals(1, events(ClientEvent.ListenerFailed.class).size());
    assertEquals("ftp", events(ClientEvent.ListenerFailed.class).getFirst().protocol());
    listener("c", "sftp", freePort());
    assertEquals(List.of(), config.check(adapters), "it was so before");
    ftp.problem = Optional.empty();
    assertEquals(List.of(), config.commit(adapters));
    assertEquals(at(port), ftp.listeners.get("a").addresses());
  }

  @Test
  void changedOptions_reachTheListener_withoutBindingAnew() throws Exception {
    listener("a", "ftp", freePort());
    checkAndCommit();
    FakeProtocol.FakeListener listener = ftp.listeners.get("a");
    config.change(Kind.LISTENERS, "a", json -> json.put("maxConnections", 7));
    checkAndCommit();
    assertEquals(7, listener.options());
    assertEquals(1, events(ClientEvent.ListenerOpened.class).size());
    assertEquals(listener, ftp.listeners.get("a"));
    config.remove(Kind.LISTENERS, "a");
    checkAndCommit();
    listener("a", "ftp", freePort());
    checkAndCommit();
    assertNotSame(listener, ftp.listeners.get("a"));
  }

  @Test
  void portsThatANodeOverrides_areKeptApartFromPassivePorts() throws Exception {
    listener("a", "ftp", freePort());
    config.change(Kind.LISTENERS, "a", json -> json.putObject("ftp").put("passivePorts", "20050-20079"));
    int port = freePort();
    listener("b", "sftp", port);
    checkAndCommit();
    config.put(Kind.NODES, "n1", json -> json.putObject("listeners").putObject("b").put("port", 20060));
    assertEquals(List.of("listener b: port 20060 is one of the passive ports 20050-20079 of listener 'a' on the same address"),
        config.check(adapters));
    config.put(Kind.NODES, "n1", json -> json.putObject("listeners").putObject("a").put("port", 20060));
    assertEquals(List.of("listener a: the passive ports 20050-20079 hold its own port 20060"), config.check(adapters));
    config.remove(Kind.NODES, "n1");
    config.change(Kind.LISTENERS, "a", json -> json.putObject("ftp").put("passivePorts", port + "-" + port));
    assertEquals(List.of("listener a: the passive ports " + port + "-" + port + " hold port " + port
        + " of listener 'b' on the same address"), config.check(adapters));
    config.change(Kind.LISTENERS, "b", json -> json.put("address", "127.0.0.2"));
    assertEquals(List.of(), config.check(adapters));
  }

  @Test
  void closing_waitsForTransfers_andTellsAllClients() throws Exception {
    listener("a", "ftp", freePort());
    checkAndCommit();
    FakeProtocol.FakeClient busy = new FakeProtocol.FakeClient();
    busy.transferring = true;
    FakeProtocol.FakeListener listener = ftp.listeners.get("a");
    listener.clients.add(busy);
    Thread closing = Thread.ofVirtual().start(() -> adapters.close(Duration.ofMinutes(1)));
    Awaitility.await().until(() -> listener.addresses().isEmpty());
    assertEquals(List.of(), busy.reasons);
    busy.transferring = false;
    Awaitility.await().until(() -> busy.reasons.equals(List.of("the server is shutting down")));
    listener.clients.clear();
    assertTrue(closing.join(Duration.ofMinutes(1)));
    assertEquals(List.of(), config.commit(adapters), "nothing is opened again");
    assertEquals(List.of(), listener.addresses());
  }

  private void resume() {
    adapters.resume();
    assertEquals(List.of(), config.commit(adapters));
  }

  @Test
  void drained_noListenerHasAnAddress_untilResumed_andNothingElseIsToldToItsClients() throws Exception {
    int port = freePort();
    listener("a", "ftp", port);
    checkAndCommit();
    FakeProtocol.FakeClient client = new FakeProtocol.FakeClient();
    ftp.listeners.get("a").clients.add(client);

    adapters.drain();
    adapters.drain();

    assertEquals(List.of(), ftp.listeners.get("a").addresses());
    assertEquals(1, events(ClientEvent.ListenerClosed.class).size());
    assertEquals(1, adapters.remaining());
    assertEquals(List.of(), client.reasons);
    assertEquals(List.of(), config.commit(adapters), "what is applied meanwhile opens nothing");
    assertEquals(List.of(), ftp.listeners.get("a").addresses());
    resume();
    assertEquals(at(port), ftp.listeners.get("a").addresses());
    assertEquals(List.of(), client.reasons);
    ftp.listeners.get("a").clients.clear();
  }

  @Test
  void changesWhileDrained_countWhenResumed() throws Exception {
    int port = freePort();
    int other = freePort();
    int third = freePort();
    listener("moved", "ftp", port);
    listener("removed", "sftp", other);
    checkAndCommit();
    adapters.drain();
    listener("moved", "ftp", other);
    config.remove(Kind.LISTENERS, "removed");
    listener("added", "sftp", third);
    checkAndCommit();
    assertEquals(config.view().config().version(), adapters.version());
    assertEquals(List.of(), ftp.listeners.get("moved").addresses());
    assertEquals(List.of(), sftp.listeners.get("added").addresses());

    resume();

    assertEquals(at(other), ftp.listeners.get("moved").addresses());
    assertEquals(at(third), sftp.listeners.get("added").addresses());
    assertEquals(2, events(ClientEvent.ListenerClosed.class).size(), "what was closed already is not closed again");
  }

  @Test
  void portThatWasTakenWhileDrained_isAProblem_untilItIsFree() throws Exception {
    int port = freePort();
    listener("a", "ftp", port);
    listener("b", "sftp", freePort());
    checkAndCommit();
    adapters.drain();
    try (ServerSocket thief = new ServerSocket(port, 1, InetAddress.getByName("127.0.0.1"))) {
      adapters.resume();
      List<String> problems = config.commit(adapters);
      assertEquals(1, problems.size());
      assertTrue(problems.getFirst().startsWith("listener a: "), problems.toString());
      assertEquals(1, sftp.listeners.get("b").addresses().size());
      assertTrue(thief.isBound());
    }
    assertEquals(List.of(), config.commit(adapters));
    assertEquals(at(port), ftp.listeners.get("a").addresses());
  }

  @Test
  void quietClients_areEndedOnce_andThoseBetweenTwoFilesAreNot() throws Exception {
    listener("a", "ftp", freePort());
    checkAndCommit();
    FakeProtocol.FakeClient idle = new FakeProtocol.FakeClient();
    FakeProtocol.FakeClient busy = new FakeProtocol.FakeClient();
    busy.transferring = true;
    ftp.listeners.get("a").clients.addAll(List.of(idle, busy));
    Duration quiet = Duration.ofMillis(50);

    adapters.endQuiet(quiet, "go");
    assertEquals(List.of(), idle.reasons, "nothing is known yet of how long it has been quiet");
    Awaitility.await().until(() -> {
      adapters.endQuiet(quiet, "go");
      return !idle.reasons.isEmpty();
    });
    adapters.endQuiet(quiet, "go");

    assertEquals(List.of("go"), idle.reasons);
    assertEquals(List.of(), busy.reasons);
    adapters.endAll("now");
    assertEquals(List.of("now"), busy.reasons);
    ftp.listeners.get("a").clients.clear();
  }

  @Test
  void use_isThatOfTheFullestListener() throws Exception {
    listener("a", "ftp", freePort());
    listener("b", "sftp", freePort());
    config.change(Kind.LISTENERS, "a", json -> json.put("maxConnections", 4));
    checkAndCommit();
    assertEquals(new ProtocolAdapters.Use(0, 0), adapters.use(config.view()));
    ftp.listeners.get("a").clients.add(new FakeProtocol.FakeClient());
    sftp.listeners.get("b").clients.addAll(List.of(new FakeProtocol.FakeClient(), new FakeProtocol.FakeClient()));
    assertEquals(new ProtocolAdapters.Use(0.25, 0), adapters.use(config.view()));
    ftp.listeners.get("a").clients.clear();
    sftp.listeners.get("b").clients.clear();
  }
}
