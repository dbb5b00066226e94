package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;

/** ncftpput, ncftpget and ncftpls; and ncftp itself for what these can't do. */
public final class NcFtp implements FileClient {
  @Override
  public String name() {
    return "ncftp";
  }

  @Override
  public Command list(Site site, String directory) {
    return call("ncftpls", site, "ftp://" + site.host() + "/" + directory + "/");
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return call("ncftpput", site, "-V", "-C", site.host(), local.toString(), remote);
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return call("ncftpget", site, "-V", "-Z", "-C", site.host(), remote, local.toString());
  }

  /** With sendfile it sends the whole file again after REST (3.2.6), so that is switched off. */
  @Override
  public Command resumePut(Site site, Path local, String remote) {
    return call("ncftpput", site, "-V", "-z", "-s", "-C", site.host(), local.toString(), remote);
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    return call("ncftpget", site, "-V", "-z", "-C", site.host(), remote, local.toString());
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return script(site, "rename " + quote(remote) + " " + quote(newName));
  }

  @Override
  public Command delete(Site site, String remote) {
    return script(site, "rm " + quote(remote));
  }

  @Override
  public Command makeDirectory(Site site, String remote) {
    return script(site, "mkdir " + quote(remote));
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return call("ncftpput", site, "-V", "-R", site.host(), "/" + parent, directory.toString());
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return call("ncftpget", site, "-V", "-R", "-T", site.host(), localParent.toString(), "/" + directory);
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return FileClient.withNewline(names, FTP_COMMANDS_ARE_LINES);
  }

  private static Command script(Site site, String commands) {
    return call("ncftp", site, site.host()).reading(commands + "\nquit\n");
  }

  private static Command call(String program, Site site, String... arguments) {
    List<String> line = new ArrayList<>(List.of(program, "-u", site.user(), "-p", site.password(), "-P",
        Integer.toString(site.ftpPort())));
    line.addAll(Arrays.asList(arguments));
    return Command.of(line);
  }

  /** Its quotes know no way to say themselves, so it is the one kind or the other. */
  private static String quote(String path) {
    return path.contains("\"") ? "'" + path + "'" : "\"" + path + "\"";
  }
}
