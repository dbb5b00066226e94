package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** PuTTY's pscp, by SFTP or by the protocol that scp had before. */
public final class Pscp implements FileClient {
  private final boolean old;

  public Pscp(boolean old) {
    this.old = old;
  }

  @Override
  public String name() {
    return old ? "pscp -scp" : "pscp -sftp";
  }

  @Override
  public Command list(Site site, String directory) {
    if (old) {
      throw new CannotDo("lists by the server's ls, for which there is no shell");
    }
    return copy(site, "-ls", there(site, directory));
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
    return old ? FileClient.withNewline(names, SCP_RECORDS_ARE_LINES) : Map.of();
  }

  private static String there(Site site, String remote) {
    return site.target() + ":/" + remote;
  }

  private Command copy(Site site, String... arguments) {
    List<String> line = new ArrayList<>(List.of("pscp", old ? "-scp" : "-sftp"));
    line.addAll(new PuttyOptions(site).arguments());
    line.addAll(Arrays.asList(arguments));
    return Command.of(line);
  }
}
