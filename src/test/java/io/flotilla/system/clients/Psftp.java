package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** PuTTY's psftp with a batch of commands. */
public final class Psftp extends SftpBatch {
  @Override
  public String name() {
    return "psftp";
  }

  @Override
  public Command list(Site site, String directory) {
    return batch(site, "ls " + quote("/" + directory));
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return batch(site, "mv " + quote(remote) + " " + quote(newName));
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return batch(site, "put -r " + quote(directory.toString()) + " " + quote(parent + "/" + directory.getFileName()));
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return batch(site, "get -r " + quote(directory) + " "
        + quote(localParent.resolve(FileClient.lastName(directory)).toString()));
  }

  @Override
  Command batch(Site site, String commands) {
    List<String> line = new ArrayList<>(List.of("psftp"));
    line.addAll(new PuttyOptions(site).arguments());
    line.addAll(List.of("-b", "/dev/stdin", site.target()));
    return Command.of(line).reading(commands + "\n");
  }

  @Override
  String quote(String path) {
    return "\"" + path.replace("\"", "\"\"") + "\"";
  }
}
