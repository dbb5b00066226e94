package io.flotilla.node.cluster;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.http.dav.Locks;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.vfs.UserHomes;

/**
 * What the cluster's nodes tell each other of: this node's client connections, what its users' homes hold, HTTP sessions, locks, and the node as a whole.
 *
 * @param lockNews can tell while the control plane runs
 */
public record DataPlane(LiveConnections connections, UserHomes homes, HttpSessions sessions, Locks locks, MemberLocks lockNews,
    LocalNode node) {}
