package io.flotilla.node.cluster;

import org.apache.pekko.cluster.ddata.Key;

/** Names a bucket of sessions in Distributed Data. */
final class SessionBucketKey extends Key<SessionBucket> {
  private static final long serialVersionUID = 1L;

  SessionBucketKey(int bucket) {
    super("http-sessions-" + bucket);
  }
}
