package io.flotilla.node;

/** A host and a port, written {@code host:port}, an IPv6 address in brackets. */
public record HostPort(String host, int port) {
  public static HostPort parse(String setting, String text) {
    int colon = text.lastIndexOf(':');
    try {
      int port = Integer.parseInt(text.substring(colon + 1));
      String host = text.substring(0, Math.max(colon, 0));
      if (host.startsWith("[") && host.endsWith("]")) {
        host = host.substring(1, host.length() - 1);
      }
      if (!host.isEmpty() && port > 0 && port <= 65535) {
        return new HostPort(host, port);
      }
    } catch (NumberFormatException e) {
      // the message below is the same for every fault
    }
    throw new NodeSettings.InvalidSettingException(setting + ": '" + text + "' is not HOST:PORT");
  }

  public HostPort withPort(int other) {
    return new HostPort(host, other);
  }

  @Override
  public String toString() {
    return host.contains(":") ? "[" + host + "]:" + port : host + ":" + port;
  }
}
