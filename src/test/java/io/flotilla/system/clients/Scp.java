package io.flotilla.system.clients;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** OpenSSH's scp, by SFTP or by the protocol it had before. */
public final class Scp extends ScpCopies {
  private final boolean old;

  public Scp(boolean old) {
    this.old = old;
  }

  @Override
  public String name() {
    return old ? "scp -O" : "scp";
  }

  @Override
  public Command list(Site site, String directory) {
    throw new CannotDo("only copies files");
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return old ? FileClient.withNewline(names, SCP_RECORDS_ARE_LINES + ", scp writes \\^J instead")
        : Map.of();
  }

  @Override
  public Optional<String> whyInPlace() {
    return old ? Optional.empty()
        : Optional.of("asks for a file that is there to be changed in place (since OpenSSH 9.1), so only new names are safe");
  }

  @Override
  Command copy(Site site, String... arguments) {
    OpenSshOptions ssh = new OpenSshOptions(site);
    List<String> line = new ArrayList<>(List.of("scp", "-q", old ? "-O" : "-s", "-P", Integer.toString(site.sftpPort())));
    line.addAll(ssh.arguments());
    line.addAll(Arrays.asList(arguments));
    return Command.of(line).with(ssh.environment());
  }
}
