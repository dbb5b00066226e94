package io.flotilla.auth;

import io.flotilla.config.model.Listener;
import java.net.InetAddress;

/** Where a client comes from: by which protocol, and from which address. */
public record Origin(Listener.Protocol protocol, InetAddress address) {}
