package io.flotilla.system.clients;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** PuTTY's pscp, by SFTP or by the protocol that scp had before. */
public final class Pscp extends ScpCopies {
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
  public Map<String, String> cannotSay(List<String> names) {
    return old ? FileClient.withNewline(names, SCP_RECORDS_ARE_LINES) : Map.of();
  }

  @Override
  Command copy(Site site, String... arguments) {
    List<String> line = new ArrayList<>(List.of("pscp", old ? "-scp" : "-sftp"));
    line.addAll(new PuttyOptions(site).arguments());
    line.addAll(Arrays.asList(arguments));
    return Command.of(line);
  }
}
