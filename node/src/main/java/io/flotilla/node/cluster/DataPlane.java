package io.flotilla.node.cluster;

import io.flotilla.adapter.LiveConnections;
import io.flotilla.vfs.UserHomes;

/** What the cluster's nodes tell each other of: this node's client connections, and what its users' homes hold. */
public record DataPlane(LiveConnections connections, UserHomes homes) {}
