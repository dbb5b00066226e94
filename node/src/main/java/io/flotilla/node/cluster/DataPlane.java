package io.flotilla.node.cluster;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.http.sessions.HttpSessions;
import io.flotilla.vfs.UserHomes;

/** What the cluster's nodes tell each other of: client connections, what users' homes hold, and HTTP sessions. */
public record DataPlane(LiveConnections connections, UserHomes homes, HttpSessions sessions) {}
