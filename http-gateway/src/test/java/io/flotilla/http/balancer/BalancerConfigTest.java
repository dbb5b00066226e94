package io.flotilla.http.balancer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.adapter.TestConfiguration;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.Kind;
import io.flotilla.tls.TlsIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is written for load balancers, judged by them. */
class BalancerConfigTest {
  private static final BalancerOptions EVERYWHERE = options("*", Optional.empty(), true, Optional.empty());
  private static final String PROXIED = "\"proxyProtocol\":\"required\",\"trustedProxies\":[\"10.0.0.9\"]";

  @TempDir Path temp;

  private static BalancerOptions options(String address, Optional<String> source, boolean agent, Optional<BalancerOptions.Health> health) {
    return new BalancerOptions(address, source, BalancerOptions.RunAs.of("haproxy"), agent, health);
  }

  private static BalancerPlan.Node node(String name, String address, String... roles) {
    return BalancerPlan.Node.of(name, address, Set.of(roles.length == 0 ? new String[] {"gateway"} : roles), false);
  }

  private static List<BalancerPlan.Node> three() {
    return List.of(node("node-2", "10.0.0.2:20001"), node("node-1", "10.0.0.1:20001", "gateway", "primary", "voter"),
        node("witness", "10.0.0.3:20001", "voter"));
  }

  private static ClusterConfig config(String... entities) {
    TestConfiguration config = new TestConfiguration();
    put(config, "listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":2022}");
    for (int i = 0; i < entities.length; i += 3) {
      put(config, entities[i], entities[i + 1], entities[i + 2]);
    }
    config.commit();
    return config.view().config();
  }

  private static void put(TestConfiguration config, String kind, String name, String json) {
    try {
      ObjectNode fields = (ObjectNode) EntityCodec.JSON.readTree(json);
      config.put(Kind.of(kind).orElseThrow(), name, entity -> entity.setAll(fields));
    } catch (IOException e) {
      throw new AssertionError(json, e);
    }
  }

  private static ClusterConfig good() {
    return config("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":2022," + PROXIED + "}",
        "listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":2121," + PROXIED + "}",
        "listeners", "web", "{\"protocol\":\"http\",\"port\":8080," + PROXIED + ",\"http\":{\"tls\":false}}",
        "nodes", "node-1", "{\"listeners\":{\"ftp\":{\"passivePorts\":\"20100-20199\"}}}",
        "nodes", "node-2", "{\"listeners\":{\"ftp\":{\"passivePorts\":\"20200-20299\",\"port\":2122},"
            + "\"sftp\":{\"address\":\"192.0.2.2\"}}}");
  }

  private record Run(int status, String output) {}

  private Run run(String... command) throws Exception {
    Path log = Files.createTempFile(temp, "run", ".log");
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(log.toFile()).start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Run(process.exitValue(), Files.readString(log));
  }

  private void haproxyTakes(String text) throws Exception {
    Run run = run("/usr/sbin/haproxy", "-c", "-f", Files.writeString(temp.resolve("haproxy.cfg"), text).toString());
    assertEquals(0, run.status(), run.output() + text);
    assertFalse(run.output().contains("WARNING"), run.output() + text);
  }

  private void nginxTakes(String text) throws Exception {
    Run run = run("/usr/sbin/nginx", "-t", "-g", "pid " + temp.resolve("pid") + "; error_log stderr;",
        "-c", Files.writeString(temp.resolve("nginx.conf"), text).toString());
    assertEquals(0, run.status(), run.output() + text);
  }

  private static boolean hasLine(String text, String line) {
    return text.lines().anyMatch(one -> one.strip().equals(line));
  }

  @Test
  void haproxy_leadsEachPortToItsNodes_andPassivePortsToTheirOne() throws Exception {
    BalancerPlan plan = BalancerPlan.of(good(), three(), Optional.empty());
    assertEquals(List.of(), plan.warnings());
    String text = HaProxyConfig.of(plan, EVERYWHERE);
    haproxyTakes(text);
    for (String line : List.of("bind *:2022", "server node-1 10.0.0.1:2022 check weight 100 agent-check agent-port 20004 send-proxy-v2",
        "server node-2 192.0.2.2:2022 check weight 100 agent-check agent-addr 10.0.0.2 agent-port 20004 send-proxy-v2",
        "bind *:2121", "server node-2 10.0.0.2:2122 check weight 100 agent-check agent-port 20004 send-proxy-v2",
        "bind *:20100-20199", "server node-1 10.0.0.1 send-proxy-v2", "bind *:20200-20299", "server node-2 10.0.0.2 send-proxy-v2",
        "bind *:8080", "server node-1:unchecked 10.0.0.1:2022 backup send-proxy-v2")) {
      assertTrue(hasLine(text, line), line + " is not in\n" + text);
    }
    assertFalse(text.contains("10.0.0.3"), "a witness serves nobody");
    // A node whose storage stalls reads nothing for a while, and the system would count that, too.
    assertFalse(text.lines().anyMatch(line -> !line.strip().startsWith("#") && line.contains("tcp-ut")), text);
    String first = text.substring(text.indexOf("frontend ftp:data:node-1"), text.indexOf("frontend ftp:data:node-2"));
    assertFalse(first.contains("10.0.0.2") || first.contains(" check"), first);
  }

  @Test
  void haproxy_takesAllOptions_addresses_andNames() throws Exception {
    ClusterConfig config = config("listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":2022," + PROXIED + "}",
        "certificates", "web", "{\"certificate\":\"x\"}".replace("x", certificate()),
        "listeners", "web site \"ö\"", "{\"protocol\":\"http\",\"port\":8443," + PROXIED + ",\"http\":{\"certificate\":\"web\"}}",
        "listeners", "web site _ö_", "{\"protocol\":\"ftp\",\"port\":990," + PROXIED
            + ",\"ftp\":{\"tls\":\"implicit\",\"certificate\":\"web\",\"passivePorts\":\"3000-3001\"}}");
    List<BalancerPlan.Node> nodes = List.of(node("node 1; }", "[2001:db8::1]:20001"), node("node#2", "localhost:20001"));
    for (String address : List.of("*", "0:0:0:0:0:0:0:0", "192.0.2.9", "2001:db8::9")) {
      for (Optional<BalancerOptions.Health> health : List.of(Optional.<BalancerOptions.Health>empty(),
          Optional.of(new BalancerOptions.Health(20_000, false)), Optional.of(new BalancerOptions.Health(20_000, true)))) {
        for (boolean agent : new boolean[] {true, false}) {
          Optional<String> source = agent ? Optional.empty() : Optional.of(address).filter(literal -> !literal.equals("*"));
          String text = HaProxyConfig.of(BalancerPlan.of(config, nodes, Optional.empty()), options(address, source, agent, health));
          haproxyTakes(text);
          assertEquals(agent, text.contains("agent-check"));
          assertEquals(source.isPresent(), hasLine(text, "source " + BalancerOptions.at(address, 0)));
          assertEquals(health.isPresent(), text.contains("uri /health/ready ") && text.matches("(?s).* check( addr \\S+)? port 20000.*"));
        }
      }
    }
  }

  private static String certificate() {
    return TlsIdentity.selfSigned("web", List.of("localhost"), Instant.now()).certificatePem().replace("\n", "\\n");
  }

  @Test
  void nginx_leadsEachPortToItsNodes_andPassivePortsToTheirOne() throws Exception {
    BalancerPlan plan = BalancerPlan.of(good(), three(), Optional.empty());
    String text = NginxConfig.of(plan, options("127.0.0.9", Optional.of("127.0.0.8"), true, Optional.empty()));
    nginxTakes(text);
    for (String line : List.of("listen 127.0.0.9:2022;", "server 192.0.2.2:2022 max_fails=1 fail_timeout=5s; # node-2",
        "proxy_protocol on;", "proxy_bind 127.0.0.8;",
        "listen 127.0.0.9:20100-20199;", "proxy_pass 10.0.0.1:$server_port;", "proxy_pass 10.0.0.2:$server_port;")) {
      assertTrue(hasLine(text, line), line + " is not in\n" + text);
    }
    nginxTakes(NginxConfig.of(plan, EVERYWHERE));
    String both = NginxConfig.of(plan, options("0:0:0:0:0:0:0:0", Optional.empty(), true, Optional.empty()));
    nginxTakes(both);
    assertTrue(hasLine(both, "listen [0:0:0:0:0:0:0:0]:2022 ipv6only=off;"), both);
  }

  @Test
  void theAdminPort_isAskedWhereTheNodeIs_alsoIfAListenerIsElsewhere() throws Exception {
    String text = HaProxyConfig.of(BalancerPlan.of(good(), three(), Optional.empty()),
        options("*", Optional.empty(), false, Optional.of(new BalancerOptions.Health(20_000, false))));
    haproxyTakes(text);
    assertTrue(hasLine(text, "server node-2 192.0.2.2:2022 check addr 10.0.0.2 port 20000 send-proxy-v2")
        && hasLine(text, "server node-1 10.0.0.1:2022 check port 20000 send-proxy-v2"), text);
  }

  @Test
  void rightsAreGivenUp_exceptWhereThereAreNone() throws Exception {
    String text = HaProxyConfig.of(BalancerPlan.of(good(), three(), Optional.empty()), EVERYWHERE);
    assertTrue(hasLine(text, "user haproxy") && hasLine(text, "group haproxy"), text);
    assertEquals(Optional.empty(), BalancerOptions.RunAs.of("a b"));
    assertEquals(Optional.of(new BalancerOptions.RunAs("proxy", "net")), BalancerOptions.RunAs.of("proxy:net"));
  }

  @Test
  void clientsOfHttp_areLedByTheirAddress_whereNodesHaveFilesOfTheirOwn() throws Exception {
    for (boolean shared : new boolean[] {true, false}) {
      ClusterConfig config = config("storages", "main", "{\"path\":\"/srv\",\"shared\":" + shared + "}",
          "listeners", "sftp", "{\"protocol\":\"sftp\",\"port\":2022," + PROXIED + "}",
          "listeners", "web", "{\"protocol\":\"http\",\"port\":8080," + PROXIED + ",\"http\":{\"tls\":false}}");
      BalancerPlan plan = BalancerPlan.of(config, three(), Optional.empty());
      assertEquals(List.of(), plan.warnings());
      String text = HaProxyConfig.of(plan, EVERYWHERE);
      haproxyTakes(text);
      assertEquals(shared ? 0 : 1, text.lines().filter(line -> line.strip().equals("balance source")).count(), text);
      assertTrue(hasLine(text, "balance leastconn"), "an SFTP session is at one node");
      assertEquals(!shared, hasLine(text, "hash-type consistent"), text);
      assertEquals(!shared, hasLine(text, "backend web:state"), text);
      assertTrue(hasLine(text, "server node-1 10.0.0.1:8080 check weight 100 agent-check agent-port 20004 send-proxy-v2"), text);
      assertEquals(!shared, hasLine(text, "server node-1 10.0.0.1:8080 track web:state/node-1 weight 100 send-proxy-v2"), text);
      assertEquals(!shared, NginxConfig.of(plan, EVERYWHERE).contains("hash $remote_addr consistent;"));
    }
  }

  @Test
  void onlyOneListener() throws Exception {
    String text = HaProxyConfig.of(BalancerPlan.of(good(), three(), Optional.of("sftp")), EVERYWHERE);
    haproxyTakes(text);
    assertTrue(text.contains("frontend sftp\n"));
    assertFalse(text.contains("frontend ftp") || text.contains("frontend web"), text);
  }

  private static void assertWarned(int times, List<String> warnings, String beginning) {
    assertEquals(times, warnings.stream().filter(warning -> warning.startsWith(beginning)).count(), beginning + " in " + warnings);
  }

  @Test
  void whatStandsInTheWay_isSaid_andLeftOut() throws Exception {
    ClusterConfig config = config("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":2121,\"ftp\":{\"passivePorts\":\"20100-20199\"}}",
        "listeners", "bare", "{\"protocol\":\"ftp\",\"port\":2199," + PROXIED + "}",
        "listeners", "web", "{\"protocol\":\"http\",\"port\":8080," + PROXIED + ",\"http\":{\"tls\":false}}",
        "policies", "sessions", "{\"replicated\":false}",
        "nodes", "node-2", "{\"listeners\":{\"ftp\":{\"passiveAddress\":\"192.0.2.7\"}}}");
    BalancerPlan plan = BalancerPlan.of(config, three(), Optional.empty());
    List<String> warnings = plan.warnings();
    assertWarned(1, warnings, "listener 'sftp' has proxyProtocol 'off'");
    assertWarned(1, warnings, "listener 'ftp' has neither proxyProtocol nor passiveAddress on node 'node-1'");
    assertWarned(0, warnings, "listener 'ftp' has neither proxyProtocol nor passiveAddress on node 'node-2'");
    assertWarned(1, warnings, "the passive mode of listener 'ftp' on node 'node-2' has the ports 20100-20199, and so has the passive mode of "
        + "listener 'ftp' on node 'node-1' the ports 20100-20199");
    assertWarned(2, warnings, "listener 'bare' has no passivePorts on node ");
    assertWarned(1, warnings, "policies/sessions has replicated false");
    String text = HaProxyConfig.of(plan, EVERYWHERE);
    haproxyTakes(text);
    warnings.forEach(warning -> assertTrue(text.contains("# Warning: " + warning + "\n")));
    assertEquals(1, text.lines().filter(line -> line.strip().equals("bind *:20100-20199")).count());
    assertTrue(hasLine(text, "balance source"));
    nginxTakes(NginxConfig.of(plan, EVERYWHERE));
  }

  @Test
  void portOfAListener_goesBeforePassivePorts() throws Exception {
    ClusterConfig config = config("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":2121,\"ftp\":{\"passivePorts\":\"20100-20199\"}," + PROXIED + "}",
        "listeners", "web", "{\"protocol\":\"http\",\"port\":20150," + PROXIED + ",\"http\":{\"tls\":false}}");
    BalancerPlan plan = BalancerPlan.of(config, three(), Optional.empty());
    assertWarned(1, plan.warnings(),
        "the passive mode of listener 'ftp' on node 'node-1' has the ports 20100-20199, and so has listener 'web' port 20150");
    String text = HaProxyConfig.of(plan, EVERYWHERE);
    haproxyTakes(text);
    assertTrue(hasLine(text, "bind *:20150"), text);
  }

  @Test
  void aNodeThatIsAway_isLedToForWhenItReturns_andIsWarnedOf() {
    List<BalancerPlan.Node> nodes = List.of(three().getFirst(), BalancerPlan.Node.of("node-1", "10.0.0.1:20001", Set.of("gateway"), true));
    BalancerPlan plan = BalancerPlan.of(good(), nodes, Optional.empty());
    assertWarned(1, plan.warnings(), "node 'node-1' is not in the cluster now");
    String text = HaProxyConfig.of(plan, EVERYWHERE);
    assertTrue(text.contains("server node-1 10.0.0.1:2022 check") && hasLine(text, "bind *:20100-20199"), text);
  }

  @Test
  void aClusterThatServesNothing_getsAConfigurationThatSaysSo() throws Exception {
    BalancerPlan plan = BalancerPlan.of(good(), List.of(node("witness", "10.0.0.3:20001", "voter")), Optional.empty());
    assertEquals(List.of("no listener is open on any node"), plan.warnings());
    haproxyTakes(HaProxyConfig.of(plan, EVERYWHERE) + "frontend none\n  bind 127.0.0.1:1\n");
  }

  @Test
  void namesOfTwoListeners_thatLookAlike_stayTwo() throws IOException {
    Labels labels = new Labels();
    assertEquals(List.of("a_b", "a_b_2", "a_b", "a_b_3", "A_b_4"),
        List.of(labels.of("a b"), labels.of("a_b"), labels.of("a b"), labels.of("a;b"), labels.of("A b")));
  }
}
