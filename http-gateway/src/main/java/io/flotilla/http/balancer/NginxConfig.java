package io.flotilla.http.balancer;

import io.flotilla.config.model.Listener;
import java.time.Duration;

/** Writes the configuration of nginx (1.16 or newer) with its stream module, which knows version 1 of the PROXY protocol. */
public final class NginxConfig extends BalancerText {
  private NginxConfig(BalancerPlan plan, BalancerOptions options) {
    super(plan, options);
  }

  public static String of(BalancerPlan plan, BalancerOptions options) {
    return new NginxConfig(plan, options).write();
  }

  private String write() {
    head("nginx", "nginx");
    line("# It needs the stream module (on Debian the package libnginx-mod-stream). nginx does not ask whether a node is ready: one");
    line("# that can't be connected to, as while it is drained, is passed over for some seconds, and the client led to the next.");
    plan.warnings().forEach(this::warn);
    plan.services().stream().map(BalancerPlan.Service::listener)
        .filter(listener -> listener.ftp().tls() != Listener.Tls.OFF && listener.ftp().requireSessionReuse())
        .forEach(listener -> warn("listener '" + listener.name() + "' has requireSessionReuse: under TLS 1.3 nginx drops the "
            + "end of uploads whose clients, such as curl, close before the server's last word, and they are answered with 426"));
    plan.services().stream().flatMap(service -> service.servers().stream())
        .filter(server -> server.passivePorts().isPresent() && isName(server.host()))
        .forEach(server -> warn("node '" + server.node().name() + "' is known by the name " + server.host()
            + ": for its data connections nginx needs a 'resolver' in the stream block"));
    text.append("""

        include /etc/nginx/modules-enabled/*.conf;
        worker_processes auto;
        # A client needs two of them, and two more for a transfer by FTP; each passive port needs one.
        worker_rlimit_nofile 65536;
        events {
          worker_connections 32768;
        }
        stream {
          proxy_connect_timeout 3s;
          proxy_socket_keepalive on;
        """);
    options.source().ifPresent(source -> line("  proxy_bind " + source + ";"));
    plan.services().forEach(this::service);
    line("}");
    return text.toString();
  }

  private void service(BalancerPlan.Service service) {
    Listener listener = service.listener();
    line("");
    line("  # Listener " + listener.name() + ", " + listener.protocol().id());
    line("  upstream " + service.label() + " {");
    line("    " + (service.isSticky() ? "hash $remote_addr consistent;" : "least_conn;"));
    service.servers().forEach(server ->
        line("    server " + BalancerOptions.at(server.host(), server.port()) + " max_fails=1 fail_timeout=5s; # " + server.node().name()));
    line("  }");
    server(service, Integer.toString(service.port()), service.label(),
        silence(service));
    service.servers().forEach(server -> server.passivePorts().ifPresent(range -> {
      line("  # Passive data connections to node " + server.node().name() + ", to the same port there");
      server(service, range.toString(), BalancerOptions.at(server.host(), "$server_port"), DATA_TIMEOUT);
    }));
  }

  private void server(BalancerPlan.Service service, String ports, String to, Duration timeout) {
    line("  server {");
    boolean isEverywhere = options.address().equals(BalancerOptions.EVERYWHERE);
    line("    listen " + (isEverywhere ? ports : BalancerOptions.at(options.address(), ports))
        + (options.isEverywhereByIpv6() ? " ipv6only=off" : "") + ";");
    line("    proxy_pass " + to + ";");
    if (service.isProxied()) {
      line("    proxy_protocol on;");
    }
    line("    proxy_timeout " + timeout.toSeconds() + "s;");
    line("  }");
  }
}
