package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** OpenSSH's scp, by SFTP or by the protocol it had before. */
public final class Scp implements FileClient {
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
  public Command put(Site site, Path local, String remote) {
    return copy(site, local.toString(), there(site, remote));
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return copy(site, there(site, remote), local.toString());
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return copy(site, "-r", directory.toString(), there(site, parent));
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return copy(site, "-r", there(site, directory), localParent.toString());
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

  private static String there(Site site, String remote) {
    return site.target() + ":/" + remote;
  }

  private Command copy(Site site, String... arguments) {
    OpenSshOptions ssh = new OpenSshOptions(site);
    List<String> line = new ArrayList<>(List.of("scp", "-q", old ? "-O" : "-s", "-P", Integer.toString(site.sftpPort())));
    line.addAll(ssh.arguments());
    line.addAll(Arrays.asList(arguments));
    return Command.of(line).with(ssh.environment());
  }
}
