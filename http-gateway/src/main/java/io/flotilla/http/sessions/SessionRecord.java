package io.flotilla.http.sessions;

import io.flotilla.config.event.CborSerializable;

/**
 * What the nodes know of an HTTP session. The records that several nodes have of one session merge into one, whatever their order: what has
 * ended stays ended, and else the newest use counts. Immutable.
 *
 * @param id the hash of what the client shows; nobody can log in with it
 * @param password a fingerprint of the hash of the password that the user logged in with
 * @param node on which the session began
 * @param address from which its user logged in
 * @param created as milliseconds since 1970, as are {@code expires}, after which nobody needs the record any more, and {@code lastUsed}
 * @param lastUsed not told for every use
 */
public record SessionRecord(String id, String user, String password, Use use, String node, String address, long created, long expires,
    long lastUsed, boolean ended) implements CborSerializable {

  /** How a client shows that it has a session. */
  public enum Use {
    /** By a cookie, as browsers do. */
    COOKIE,
    /** By a bearer token (RFC 6750), as programs do. */
    TOKEN
  }

  SessionRecord used(long now) {
    return new SessionRecord(id, user, password, use, node, address, created, expires, Math.max(lastUsed, now), ended);
  }

  SessionRecord end() {
    return new SessionRecord(id, user, "", use, node, "", created, expires, lastUsed, true);
  }

  /** What both say together. */
  public SessionRecord merge(SessionRecord other) {
    if (ended || other.ended) {
      SessionRecord end = ended ? this : other;
      return end.used(Math.max(lastUsed, other.lastUsed));
    }
    return lastUsed >= other.lastUsed ? this : other;
  }
}
