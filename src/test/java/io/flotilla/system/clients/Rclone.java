package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** rclone by SFTP or FTP; what it has synchronized it compares with the original. */
public final class Rclone implements FileClient {

  /** What it can speak. */
  public enum Protocol { SFTP, FTP }

  private static final String REMOTE = "site:";
  /** It takes passwords only in a form of its own. */
  private static final String OBSCURE = "[ -z \"$PLAIN\" ] || export RCLONE_CONFIG_SITE_PASS=\"$(rclone obscure \"$PLAIN\")\"; ";
  private static final String SCRIPT = OBSCURE + "exec rclone \"$@\"";
  private static final String SYNC_AND_CHECK =
      OBSCURE + "rclone sync --transfers 8 \"$@\" && exec rclone check --download --checkers 8 \"$@\"";

  private final Protocol protocol;

  public Rclone(Protocol protocol) {
    this.protocol = protocol;
  }

  @Override
  public String name() {
    return "rclone " + protocol.name().toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  public Command list(Site site, String directory) {
    return call(site, SCRIPT, "lsf", REMOTE + directory);
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return call(site, SCRIPT, "copyto", "--ignore-times", local.toString(), REMOTE + remote);
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return call(site, SCRIPT, "copyto", "--ignore-times", REMOTE + remote, local.toString());
  }

  @Override
  public Command resumePut(Site site, Path local, String remote) {
    throw new CannotDo("begins a broken file anew");
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    throw new CannotDo("begins a broken file anew");
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return call(site, SCRIPT, "moveto", REMOTE + remote, REMOTE + newName);
  }

  @Override
  public Command delete(Site site, String remote) {
    return call(site, SCRIPT, "deletefile", REMOTE + remote);
  }

  @Override
  public Command makeDirectory(Site site, String remote) {
    return call(site, SCRIPT, "mkdir", REMOTE + remote);
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return call(site, SYNC_AND_CHECK, directory.toString(), REMOTE + parent + "/" + directory.getFileName());
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return call(site, SCRIPT, "copy", "--transfers", "8", REMOTE + directory,
        localParent.resolve(FileClient.lastName(directory)).toString());
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return FileClient.withNewline(names, "no newline in names: writes U+240A instead");
  }

  private Command call(Site site, String script, String... arguments) {
    Map<String, String> environment = new HashMap<>(Map.of("RCLONE_CONFIG", "/dev/null",
        "RCLONE_CONFIG_SITE_TYPE", protocol.name().toLowerCase(java.util.Locale.ROOT),
        "RCLONE_CONFIG_SITE_HOST", site.host(), "RCLONE_CONFIG_SITE_USER", site.user()));
    environment.putAll(switch (protocol) {
      case FTP -> Map.of("RCLONE_CONFIG_SITE_PORT", Integer.toString(site.ftpPort()), "PLAIN", site.password());
      case SFTP -> Map.of("RCLONE_CONFIG_SITE_PORT", Integer.toString(site.sftpPort()),
          "RCLONE_CONFIG_SITE_KNOWN_HOSTS_FILE", site.trust().knownHosts().toString());
    });
    if (protocol == Protocol.SFTP) {
      environment.putAll(switch (site.credential()) {
        case Site.Key key -> Map.of("RCLONE_CONFIG_SITE_KEY_FILE", key.file().toString());
        case Site.Password password -> Map.of("PLAIN", password.text());
      });
    }
    List<String> line = new ArrayList<>(List.of("sh", "-c", script, "rclone"));
    line.addAll(Arrays.asList(arguments));
    return Command.of(line).with(environment);
  }
}
