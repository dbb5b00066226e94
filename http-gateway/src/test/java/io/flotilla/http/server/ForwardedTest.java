package io.flotilla.http.server;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;

import io.flotilla.config.model.Listener;
import io.flotilla.config.model.Network;
import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.CharRange;
import net.jqwik.api.constraints.StringLength;
import org.apache.pekko.http.javadsl.model.HttpHeader;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForwardedTest {
  private static final Listener.Proxies PROXIES =
      new Listener.Proxies(Listener.ProxyProtocol.OFF, List.of(Network.parse("10.0.0.0/8"), Network.parse("2001:db8:1::/48")));

  private static Forwarded.Origin of(String peer, boolean tls, Listener.ForwardedBy field, String... headers) {
    List<HttpHeader> fields = new ArrayList<>();
    for (int i = 0; i < headers.length; i += 2) {
      fields.add(RawHeader.create(headers[i], headers[i + 1]));
    }
    HttpRequest request = HttpRequest.GET("/").withHeaders(fields);
    return Forwarded.of(request, new Forwarded.Origin(InetAddress.ofLiteral(peer), tls), PROXIES, field);
  }

  private static String x(String addresses) {
    return of("10.0.0.1", false, Listener.ForwardedBy.X_FORWARDED_FOR, "X-Forwarded-For", addresses).address().getHostAddress();
  }

  private static String forwarded(String elements) {
    return of("10.0.0.1", false, Listener.ForwardedBy.FORWARDED, "Forwarded", elements).address().getHostAddress();
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', value = {
      "192.0.2.1|192.0.2.1",
      "192.0.2.1:40001|192.0.2.1",
      "2001:db8::1|2001:db8:0:0:0:0:0:1",
      "[2001:db8::1]|2001:db8:0:0:0:0:0:1",
      "[2001:db8::1]:40001|2001:db8:0:0:0:0:0:1",
      "::ffff:192.0.2.1|192.0.2.1",
      // What the client wrote itself comes first, and counts for nothing.
      "203.0.113.9, 192.0.2.1|192.0.2.1",
      "203.0.113.9, 192.0.2.1, 10.0.0.2|192.0.2.1",
      "203.0.113.9, 192.0.2.1, 10.0.0.3 ,10.0.0.2|192.0.2.1",
      "garbage, 192.0.2.1|192.0.2.1",
      "\"203.0.113.9, 192.0.2.1|192.0.2.1",
      // All of them proxies: the first is the client.
      "10.0.0.3, 10.0.0.2|10.0.0.3",
      // The nearest proxy that is known.
      "unknown|10.0.0.1",
      "192.0.2.1, unknown|10.0.0.1",
      "192.0.2.1, _hidden, 10.0.0.2|10.0.0.2",
      "192.0.2.1, 10.0.0.2.3|10.0.0.1",
      "192.0.2.1, 192.0.2.256|10.0.0.1",
      "192.0.2.1, example.org|10.0.0.1",
      "192.0.2.1, 1|10.0.0.1",
      "192.0.2.1, ::1::|10.0.0.1"})
  void xForwardedFor_isReadFromItsEnd(String addresses, String client) {
    assertEquals(client, x(addresses));
  }

  @ParameterizedTest
  @CsvSource(delimiter = '|', quoteCharacter = '`', value = {
      "for=192.0.2.1|192.0.2.1",
      "For=\"192.0.2.1:40001\";proto=https;by=10.0.0.1|192.0.2.1",
      "for=\"[2001:db8::1]\"|2001:db8:0:0:0:0:0:1",
      "for=\"[2001:db8::1]:_port\"|2001:db8:0:0:0:0:0:1",
      "proto=http;for=192.0.2.1;host=\"a, for=203.0.113.9\"|192.0.2.1",
      "for=192.0.2.1;host=\"a\\\", for=203.0.113.9;b=\\\"\"|192.0.2.1",
      "for=203.0.113.9, for=192.0.2.1, for=10.0.0.2|192.0.2.1",
      // What the client left open does not swallow what the proxy says.
      "for=\"203.0.113.9, for=192.0.2.1|192.0.2.1",
      "for=203.0.113.9;host=\"x\\, for=192.0.2.1|192.0.2.1",
      "for=unknown|10.0.0.1",
      "for=_hidden, for=10.0.0.2|10.0.0.2",
      "for=192.0.2.1;for=192.0.2.2|10.0.0.1",
      "for=192.0.2.1 ;proto=http|10.0.0.1",
      "for = 192.0.2.1|10.0.0.1",
      "for=192.0.2.1;|192.0.2.1",
      "192.0.2.1|10.0.0.1",
      "proto=https|10.0.0.1",
      "for=\"192.0.2.1\" x|10.0.0.1",
      "for=|10.0.0.1"})
  void forwarded_isReadFromItsEnd(String elements, String client) {
    assertEquals(client, forwarded(elements));
  }

  @Test
  void onlyTrustedProxies_andOnlyTheHeaderThatTheyWrite_areBelieved() {
    String[] both = {"X-Forwarded-For", "192.0.2.1", "Forwarded", "for=192.0.2.2", "X-Forwarded-Proto", "https"};
    assertEquals("192.0.2.1", of("10.0.0.1", false, Listener.ForwardedBy.X_FORWARDED_FOR, both).address().getHostAddress());
    assertEquals("192.0.2.2", of("10.0.0.1", false, Listener.ForwardedBy.FORWARDED, both).address().getHostAddress());
    assertEquals("10.0.0.1", of("10.0.0.1", false, Listener.ForwardedBy.NONE, both).address().getHostAddress());
    assertEquals(new Forwarded.Origin(InetAddress.ofLiteral("192.0.2.77"), false),
        of("192.0.2.77", false, Listener.ForwardedBy.X_FORWARDED_FOR, both), "no proxy");
  }

  @Test
  void severalLines_areOneList() {
    assertEquals("192.0.2.1", of("10.0.0.1", false, Listener.ForwardedBy.X_FORWARDED_FOR,
        "X-Forwarded-For", "203.0.113.9", "X-Forwarded-For", "192.0.2.1", "x-forwarded-for", "10.0.0.2").address().getHostAddress());
  }

  @Test
  void scheme_isTheOneByWhichTheClientCame() {
    Listener.ForwardedBy x = Listener.ForwardedBy.X_FORWARDED_FOR;
    assertEquals(true, of("10.0.0.1", false, x, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "https").isSecure());
    assertEquals(true, of("10.0.0.1", false, x, "X-Forwarded-For", "192.0.2.1, 10.0.0.2", "X-Forwarded-Proto", "HTTPS").isSecure());
    assertEquals(true, of("10.0.0.1", false, x, "X-Forwarded-For", "192.0.2.1, 10.0.0.2", "X-Forwarded-Proto", "https, http").isSecure());
    assertEquals(false, of("10.0.0.1", false, x, "X-Forwarded-For", "192.0.2.1, 10.0.0.2", "X-Forwarded-Proto", "http, https").isSecure());
    assertEquals(true, of("10.0.0.1", false, x, "X-Forwarded-Proto", "https").isSecure(), "without an address");
    assertEquals(false, of("10.0.0.1", true, x, "X-Forwarded-For", "192.0.2.1", "X-Forwarded-Proto", "http").isSecure());
    assertEquals(true, of("10.0.0.1", true, x, "X-Forwarded-For", "192.0.2.1").isSecure(), "as the proxy came, for all that is known");
    assertEquals(false, of("192.0.2.7", false, x, "X-Forwarded-Proto", "https").isSecure(), "no proxy");

    Listener.ForwardedBy forwarded = Listener.ForwardedBy.FORWARDED;
    assertEquals(true, of("10.0.0.1", false, forwarded, "Forwarded", "for=192.0.2.1;proto=https, for=10.0.0.2;proto=http").isSecure());
    assertEquals(false, of("10.0.0.1", true, forwarded, "Forwarded", "for=192.0.2.1;proto=http, for=10.0.0.2;proto=https").isSecure());
  }

  @Test
  void noMoreIsReadThanProxiesWouldWrite() {
    assertEquals("10.0.0.2", x("192.0.2.1, " + "10.0.0.3, ".repeat(15).replaceFirst("10.0.0.3", "10.0.0.2") + "10.0.0.3"));
    assertEquals("192.0.2.1", x("1".repeat(100_000) + ", 192.0.2.1"));
    assertEquals("10.0.0.1", x("192.0.2.1, " + "1".repeat(1_000)));
    assertEquals("192.0.2.1", forwarded("for=\"" + "1,".repeat(100_000) + ", for=192.0.2.1"));
  }

  /** Whatever a client writes into the header, a proxy appends where it came from. */
  @Property(tries = 1000)
  void clientsCanNotChooseTheirAddress(
      @ForAll @StringLength(max = 100) @CharRange(from = ' ', to = '~') String written) {
    assertEquals("192.0.2.1", x(written + ", 192.0.2.1"));
    assertEquals("192.0.2.1", forwarded(written + ", for=192.0.2.1;proto=http"));
    assertNotEquals("203.0.113.9", forwarded("for=203.0.113.9," + written + ",for=192.0.2.1;host=\"" + written.replace("\\", "\\\\").replace("\"", "\\\"") + "\""));
  }
}
