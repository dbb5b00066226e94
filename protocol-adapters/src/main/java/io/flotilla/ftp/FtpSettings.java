package io.flotilla.ftp;

import java.time.Duration;

/**
 * What all FTP listeners of a node have in common.
 *
 * @param loginGrace how long a client may take to log in
 * @param refusalDelay how long the answer to a refused login is held back
 * @param dataConnectTimeout how long a data connection may take to come about, and a passive port waits unused
 * @param stallTimeout how long a client may neither take nor send anything of a transfer, or not read its replies. Linux lets
 *     a full socket take more only when a third of its buffer has gone, 1.4 MB by default: a client that takes less in this
 *     time counts as stalled
 * @param vigil how long the control connection is watched after an upload's last byte: a client that died lets both
 *     connections end, in any order (guarantee 7)
 * @param maxUnauthenticated connections per listener that have not logged in, 1 or more
 */
public record FtpSettings(Duration loginGrace, Duration refusalDelay, Duration dataConnectTimeout,
    Duration stallTimeout, Duration vigil, int maxUnauthenticated) {
  public static final FtpSettings DEFAULT = new FtpSettings(Duration.ofSeconds(30), Duration.ofSeconds(1),
      Duration.ofSeconds(30), Duration.ofMinutes(5), Duration.ofMillis(5), 100);

  public FtpSettings {
    for (Duration positive : new Duration[] {loginGrace, dataConnectTimeout, stallTimeout}) {
      if (!positive.isPositive()) {
        throw new IllegalArgumentException("login grace, data connection and stall timeouts are over 0");
      }
    }
    if (refusalDelay.isNegative() || vigil.isNegative() || maxUnauthenticated < 1) {
      throw new IllegalArgumentException("delays are 0 or more, maxUnauthenticated is 1 or more");
    }
  }
}
