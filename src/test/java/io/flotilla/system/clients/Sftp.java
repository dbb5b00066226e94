package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** OpenSSH's sftp with a batch of commands. */
public final class Sftp extends SftpBatch {
  @Override
  public String name() {
    return "sftp";
  }

  @Override
  public Command list(Site site, String directory) {
    return batch(site, "ls -1a " + quote("/" + directory));
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return batch(site, "rename " + quote(remote) + " " + quote(newName));
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return batch(site, "put -r " + quote(directory.toString()) + " " + quote(parent));
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return batch(site, "get -r " + quote(directory) + " " + quote(localParent.toString()));
  }

  @Override
  Command batch(Site site, String commands) {
    OpenSshOptions ssh = new OpenSshOptions(site);
    // A batch never asks for a password, unless this is said before it.
    List<String> line = new ArrayList<>(List.of("sftp", "-q", "-o", "BatchMode=no", "-P", Integer.toString(site.sftpPort())));
    line.addAll(ssh.arguments());
    line.addAll(List.of("-b", "-", site.target()));
    return Command.of(line).with(ssh.environment()).reading(commands + "\n");
  }

  @Override
  String quote(String path) {
    return "\"" + path.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
