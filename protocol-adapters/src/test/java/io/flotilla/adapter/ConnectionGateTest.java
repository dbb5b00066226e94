package io.flotilla.adapter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import io.flotilla.adapter.ConnectionGate.Admitted;
import io.flotilla.adapter.ConnectionGate.Limits;
import io.flotilla.adapter.ConnectionGate.Refusal;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.Kind;
import io.flotilla.config.model.Listener;
import io.flotilla.config.view.ConfigListener;
import io.flotilla.config.view.ConfigView;
import java.net.InetAddress;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;
import org.junit.jupiter.api.Test;

/** Connections are counted exactly, and each refusal is told. */
class ConnectionGateTest {
  private static final Instant NOW = Instant.parse("2026-11-01T12:00:00Z");
  private static final Limits ROOMY = new Limits(100, OptionalInt.empty());

  private final TestConfiguration config = new TestConfiguration();
  private final List<ClientEvent> events = new ArrayList<>();
  private final ConnectionGate gate = new ConnectionGate("in", Listener.Protocol.FTP, 3, config::view, events::add,
      Clock.fixed(NOW, ZoneOffset.UTC));
  private final ConfigListener nobody = new ConfigListener() {
    @Override
    public String name() {
      return "nobody";
    }

    @Override
    public List<String> apply(ConfigDelta delta, ConfigView view) {
      return List.of();
    }

    @Override
    public List<String> check(ConfigDelta delta, ConfigView next) {
      return List.of();
    }
  };

  private Admitted admitted(String address, Limits limits) {
    return assertInstanceOf(Admitted.class, gate.ask(InetAddress.ofLiteral(address), false, limits));
  }

  private void refused(Refusal reason, String address, Limits limits) {
    assertEquals(new ConnectionGate.Refused(reason), gate.ask(InetAddress.ofLiteral(address), false, limits));
    assertEquals(new ClientEvent.ConnectionRefused(NOW, "in", "ftp", InetAddress.ofLiteral(address).getHostAddress(), reason),
        events.getLast());
  }

  @Test
  void connections_areLimited_untilOneEnds() {
    Limits two = new Limits(2, OptionalInt.empty());
    admitted("192.0.2.1", two);
    Admitted second = admitted("192.0.2.2", two);
    refused(Refusal.LISTENER_FULL, "192.0.2.3", two);
    second.close();
    second.close();
    admitted("192.0.2.3", two);
    refused(Refusal.LISTENER_FULL, "192.0.2.4", two);
  }

  @Test
  void connectionsOfAnAddress_areLimited_andOthersComeIn() {
    Limits one = new Limits(100, OptionalInt.of(1));
    Admitted first = admitted("192.0.2.1", one);
    refused(Refusal.ADDRESS_FULL, "192.0.2.1", one);
    admitted("192.0.2.2", one);
    first.close();
    admitted("192.0.2.1", one);
  }

  @Test
  void ipv6Client_countsWithItsNetwork() {
    Limits one = new Limits(100, OptionalInt.of(1));
    admitted("2001:db8::1", one);
    refused(Refusal.ADDRESS_FULL, "2001:db8::ffff:1", one);
    admitted("2001:db8:0:1::1", one);
  }

  @Test
  void thoseWhoHaveNotLoggedIn_areLimited() {
    admitted("192.0.2.1", ROOMY);
    Admitted second = admitted("192.0.2.1", ROOMY);
    Admitted third = admitted("192.0.2.1", ROOMY);
    refused(Refusal.LOGINS_FULL, "192.0.2.1", ROOMY);
    second.authenticated(true);
    second.authenticated(true);
    Admitted fourth = admitted("192.0.2.1", ROOMY);
    refused(Refusal.LOGINS_FULL, "192.0.2.1", ROOMY);
    second.authenticated(false); // a client that logged out and stays
    third.close();
    refused(Refusal.LOGINS_FULL, "192.0.2.1", ROOMY);
    fourth.authenticated(true);
    fourth.close();
    admitted("192.0.2.1", ROOMY);
    refused(Refusal.LOGINS_FULL, "192.0.2.1", ROOMY);
  }

  private void rule(String name, String action, String from, int priority) {
    config.put(Kind.ACCESS_RULES, name, json ->
        json.put("action", action).put("priority", priority).putArray("from").add(from));
  }

  @Test
  void accessRules_areAskedByPriority_andDenyGoesFirst() {
    rule("office", "allow", "192.0.2.0/25", 10);
    rule("net", "deny", "192.0.2.0/24", 20);
    rule("same", "allow", "198.51.100.0/24", 30);
    rule("zsame", "deny", "198.51.100.7", 30);
    config.commit(nobody);
    admitted("192.0.2.1", ROOMY).close();
    refused(Refusal.DENIED, "192.0.2.200", ROOMY);
    refused(Refusal.DENIED, "198.51.100.7", ROOMY);
    admitted("198.51.100.8", ROOMY).close();
    admitted("203.0.113.1", ROOMY).close();
    rule("everybody", "deny", "0.0.0.0/0", 1000);
    config.commit(nobody);
    refused(Refusal.DENIED, "203.0.113.1", ROOMY);
    admitted("2001:db8::1", ROOMY);
  }
}
