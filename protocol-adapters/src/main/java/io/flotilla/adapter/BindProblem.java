package io.flotilla.adapter;

import java.net.InetSocketAddress;

/** Says why an address could not be bound, and what to do about it. */
public final class BindProblem {
  private static final int FIRST_FREE_PORT = 1024;

  private BindProblem() {}

  /** In words for the operator, with the address in front. */
  public static String explain(InetSocketAddress address, Exception e) {
    String where = address.getAddress().getHostAddress() + " port " + address.getPort();
    String message = String.valueOf(e.getMessage());
    if (message.contains("in use")) {
      return where + " is in use by another program; stop it or choose another port";
    }
    if (message.contains("Cannot assign")) {
      return where + ": this machine does not have the address; correct the listener's or the node's address";
    }
    if (message.contains("denied") && address.getPort() < FIRST_FREE_PORT) {
      return where + ": ports below " + FIRST_FREE_PORT + " need the capability CAP_NET_BIND_SERVICE "
          + "or a lower net.ipv4.ip_unprivileged_port_start";
    }
    return where + " can't be bound: " + message;
  }
}
