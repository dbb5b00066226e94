package io.flotilla.http.balancer;

import io.flotilla.config.model.Listener;
import java.time.Duration;

/** Writes the configuration of nginx (1.16 or newer) with its stream module, which knows version 1 of the PROXY protocol. */
public final class NginxConfig {
  private static final Duration FTP_TIMEOUT = Duration.ofHours(24);
  private static final Duration DATA_TIMEOUT = Duration.ofMinutes(10);
  private static final Duration LONGER = Duration.ofMinutes(1);

  private final BalancerPlan plan;
  private final BalancerOptions options;
  private final StringBuilder text = new StringBuilder();

  private NginxConfig(BalancerPlan plan, BalancerOptions options) {
    this.plan = plan;
    this.options = options;
  }

  public static String of(BalancerPlan plan, BalancerOptions options) {
    return new NginxConfig(plan, options).write();
  }

  private String write() {
    line("# nginx for a Flotilla cluster, made by 'flotilla lb nginx' from version " + plan.version() + " of the configuration.");
    line("# Make it anew when nodes join or leave, or listeners change; nothing else matters to it.");
    line("# It needs the stream module (on Debian the package libnginx-mod-stream). nginx does not ask whether a node is ready: one");
    line("# that can't be connected to, as while it is drained, is passed over for some seconds, and the client led to the next.");
    plan.warnings().forEach(warning -> line("# Warning: " + warning));
    plan.services().stream().map(BalancerPlan.Service::listener)
        .filter(listener -> listener.ftp().tls() != Listener.Tls.OFF && listener.ftp().requireSessionReuse())
        .forEach(listener -> line("# Warning: listener '" + listener.name() + "' has requireSessionReuse: under TLS 1.3 nginx drops the "
            + "end of uploads whose clients, such as curl, close before the server's last word, and they are answered with 426"));
    plan.services().stream().flatMap(service -> service.servers().stream())
        .filter(server -> server.passivePorts().isPresent() && !server.host().matches("[0-9.]+|.*:.*"))
        .forEach(server -> line("# Warning: node '" + server.node().name() + "' is known by the name " + server.host()
            + ": for its data connections nginx needs a 'resolver' in the stream block"));
    text.append("""

        include /etc/nginx/modules-enabled/*.conf;
        worker_processes auto;
        events {
          worker_connections 8192;
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
        service.is(Listener.Protocol.FTP) ? FTP_TIMEOUT : listener.idleTimeout().plus(LONGER));
    service.servers().forEach(server -> server.passivePorts().ifPresent(range -> {
      line("  # Passive data connections to node " + server.node().name() + ", to the same port there");
      server(service, range.toString(), BalancerOptions.at(server.host(), "$server_port"), DATA_TIMEOUT);
    }));
  }

  private void server(BalancerPlan.Service service, String ports, String to, Duration timeout) {
    line("  server {");
    boolean isEverywhere = options.address().equals(BalancerOptions.EVERYWHERE);
    line("    listen " + (isEverywhere ? ports : BalancerOptions.at(options.address(), ports)) + ";");
    line("    proxy_pass " + to + ";");
    if (service.isProxied()) {
      line("    proxy_protocol on;");
    }
    line("    proxy_timeout " + timeout.toSeconds() + "s;");
    line("  }");
  }

  private void line(String line) {
    text.append(line).append('\n');
  }
}
