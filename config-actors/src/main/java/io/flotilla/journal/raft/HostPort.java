package io.flotilla.journal.raft;

/** How a host and a port are written as one. */
final class HostPort {
    private HostPort() {}

    static String format(String host, int port) {
        return host.indexOf(':') >= 0 && !host.startsWith("[") ? "[" + host + "]:" + port : host + ":" + port;
    }
}
