package io.flotilla.http.server;

import java.time.Duration;

/**
 * What all HTTP listeners of a node have in common.
 *
 * @param loginGrace how long a connection may be there without a request of a user who has logged in, TLS handshake included
 * @param headTimeout how long the head of a request may take from its first byte on
 * @param refusalDelay how long the answer to a refused login is held back
 * @param stallTimeout how long a client may neither take nor send anything of a request that is served
 * @param leastRate at which a client has to move bodies of requests and responses, on average while it is waited for
 * @param credentialMemory how long a password that was right is known, so that it isn't hashed for each connection
 * @param endingGrace how long an idle connection is kept after it is to end, so that a request that is on its way is answered
 * @param maxUnauthenticated connections per listener on which nobody has logged in, 1 or more
 */
public record HttpSettings(Duration loginGrace, Duration headTimeout, Duration refusalDelay, Duration stallTimeout,
    LeastRate leastRate, Duration credentialMemory, Duration endingGrace, int maxUnauthenticated) {
  public static final HttpSettings DEFAULT = new HttpSettings(Duration.ofSeconds(60), Duration.ofSeconds(30),
      Duration.ofSeconds(1), Duration.ofMinutes(5), new LeastRate(1024, Duration.ofMinutes(1)),
      Duration.ofMinutes(5), Duration.ofSeconds(1), 1000);

  /**
   * The least rate of bodies.
   *
   * @param bytesPerSecond 0 if there is none
   * @param window how long a client has to be waited for until it is judged
   */
  public record LeastRate(long bytesPerSecond, Duration window) {
    public LeastRate {
      if (bytesPerSecond < 0 || !window.isPositive()) {
        throw new IllegalArgumentException("the least rate of bodies is 0 or more, over a time of more than 0");
      }
    }
  }

  /** @param bytesPerSecond the least rate of bodies; 0 for none */
  public HttpSettings withLeastRate(long bytesPerSecond) {
    return new HttpSettings(loginGrace, headTimeout, refusalDelay, stallTimeout, new LeastRate(bytesPerSecond, leastRate.window()),
        credentialMemory, endingGrace, maxUnauthenticated);
  }

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
