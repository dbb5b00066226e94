package io.flotilla.http.server;

import java.time.Duration;

/**
 * What all HTTP listeners of a node have in common.
 *
 * @param loginGrace how long a connection may be there without a request of a user who has logged in, TLS handshake included
 * @param headTimeout how long the head of a request may take from its first byte on
 * @param refusalDelay how long the answer to a refused login is held back
 * @param stallTimeout how long a client may neither take nor send anything of a request that is served
 * @param credentialMemory how long a password that was right is known, so that it isn't hashed for each connection
 * @param endingGrace how long an idle connection is kept after it is to end, so that a request that is on its way is answered
 * @param maxUnauthenticated connections per listener on which nobody has logged in, 1 or more
 */
public record HttpSettings(Duration loginGrace, Duration headTimeout, Duration refusalDelay, Duration stallTimeout,
    Duration credentialMemory, Duration endingGrace, int maxUnauthenticated) {
  public static final HttpSettings DEFAULT = new HttpSettings(Duration.ofSeconds(60), Duration.ofSeconds(30),
      Duration.ofSeconds(1), Duration.ofMinutes(5), Duration.ofMinutes(5), Duration.ofSeconds(1), 1000);

  public HttpSettings {
    for (Duration positive : new Duration[] {loginGrace, headTimeout, stallTimeout, endingGrace}) {
      if (!positive.isPositive()) {
        throw new IllegalArgumentException("login grace, head and stall timeouts and ending grace are over 0");
      }
    }
    if (refusalDelay.isNegative() || credentialMemory.isNegative() || maxUnauthenticated < 1) {
      throw new IllegalArgumentException("delays are 0 or more, maxUnauthenticated is 1 or more");
    }
  }
}
