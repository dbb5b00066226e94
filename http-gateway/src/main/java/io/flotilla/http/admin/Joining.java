package io.flotilla.http.admin;

import io.flotilla.config.model.JoinToken;
import java.util.List;

/**
 * What this node can tell others that want to join its cluster.
 *
 * @param addresses by which other nodes may reach this node's admin API
 */
public record Joining(JoinToken.Welcome welcome, List<String> addresses) {}
