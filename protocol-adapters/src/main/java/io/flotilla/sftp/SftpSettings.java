package io.flotilla.sftp;

import java.time.Duration;

/**
 * What all SFTP listeners of a node have in common.
 *
 * @param loginGrace how long a client may take to log in; 1 second to 2 minutes
 * @param maxUnauthenticated connections per listener that have not logged in, 1 or more
 * @param maxChannels SFTP channels in one connection, 1 or more
 */
public record SftpSettings(Duration loginGrace, int maxUnauthenticated, int maxChannels) {
  public static final SftpSettings DEFAULT = new SftpSettings(Duration.ofSeconds(30), 100, 10);

  public SftpSettings {
    if (loginGrace.compareTo(Duration.ofSeconds(1)) < 0 || loginGrace.compareTo(Duration.ofMinutes(2)) > 0) {
      throw new IllegalArgumentException("the login grace time is 1 second to 2 minutes, not " + loginGrace);
    }
    if (maxUnauthenticated < 1 || maxChannels < 1) {
      throw new IllegalArgumentException("maxUnauthenticated and maxChannels are 1 or more");
    }
  }
}
