package io.flotilla.http.balancer;

import io.flotilla.config.model.Listener;
import java.time.Duration;

/** A configuration of a load balancer while it is being written, with what those of all products have in common. */
abstract class BalancerText {
  /** Of a control connection, which is silent while a file goes by another. */
  private static final Duration FTP_TIMEOUT = Duration.ofHours(24);
  /** Of a data connection; the node gives up one on which nothing moves after five minutes. */
  static final Duration DATA_TIMEOUT = Duration.ofMinutes(10);
  /** What it waits longer than the node, so that the node has the last word to its clients. */
  private static final Duration LONGER = Duration.ofMinutes(1);

  final BalancerPlan plan;
  final BalancerOptions options;
  final StringBuilder text = new StringBuilder();

  BalancerText(BalancerPlan plan, BalancerOptions options) {
    this.plan = plan;
    this.options = options;
  }

  final void line(String line) {
    text.append(line).append('\n');
  }

  final void warn(String warning) {
    line("# Warning: " + warning);
  }

  /** @param product as it and the command are called */
  final void head(String product, String command) {
    line("# " + product + " for a Flotilla cluster, made by 'flotilla lb " + command + "' from version " + plan.version()
        + " of the configuration.");
    line("# Make it anew when nodes join or leave, or listeners change; nothing else matters to it.");
  }

  /** How long a connection to a service may be silent. */
  static Duration silence(BalancerPlan.Service service) {
    return service.is(Listener.Protocol.FTP) ? FTP_TIMEOUT : service.listener().idleTimeout().plus(LONGER);
  }

  /** Whether a host is a name, which has to be looked up. */
  static boolean isName(String host) {
    return !host.matches("[0-9.]+|.*:.*");
  }
}
