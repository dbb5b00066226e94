package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** lftp; its mirror has eight transfers at a time. */
public final class Lftp implements FileClient {

  /** What it can speak. */
  public enum Protocol { FTP, FTPS, SFTP }

  private final Protocol protocol;

  public Lftp(Protocol protocol) {
    this.protocol = protocol;
  }

  @Override
  public String name() {
    return "lftp " + protocol.name().toLowerCase(java.util.Locale.ROOT);
  }

  @Override
  public Command list(Site site, String directory) {
    return script(site, "cls -1a " + quote("/" + directory));
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return script(site, "put " + quote(local.toString()) + " -o " + quote(remote));
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return script(site, "get " + quote(remote) + " -o " + quote(local.toString()));
  }

  /** Prints a file to the standard output. */
  public Command print(Site site, String remote) {
    return script(site, "cat " + quote(remote));
  }

  @Override
  public Command resumePut(Site site, Path local, String remote) {
    return script(site, "put -c " + quote(local.toString()) + " -o " + quote(remote));
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    return script(site, "get -c " + quote(remote) + " -o " + quote(local.toString()));
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return script(site, "mv " + quote(remote) + " " + quote(newName));
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
    return script(site, "mirror -R --parallel=8 " + quote(directory.toString()) + " "
        + quote(parent + "/" + directory.getFileName()));
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return script(site, "mirror --parallel=8 " + quote(directory) + " "
        + quote(localParent.resolve(FileClient.lastName(directory)).toString()));
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return protocol == Protocol.SFTP ? Map.of() : FileClient.withNewline(names, FTP_COMMANDS_ARE_LINES);
  }

  private Command script(Site site, String commands) {
    String settings = "set cmd:fail-exit yes; set net:max-retries 2; set net:timeout 60; ";
    // Its own ssh asks on a terminal that lftp gives it, and gets the password from lftp.
    return Command.of(List.of("lftp", "--norc", "-c", settings + connect(site) + "; " + commands))
        .with(Map.of("SSH_ASKPASS_REQUIRE", "never"));
  }

  private String connect(Site site) {
    return switch (protocol) {
      case FTP -> "set ftp:ssl-allow no; open -u " + site.user() + "," + quote(site.password()) + " ftp://" + site.host() + ":"
          + site.ftpPort();
      case FTPS -> "set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set ssl:ca-file " + quote(site.trust().certificate().toString())
          + "; open -u " + site.user() + "," + quote(site.password()) + " ftp://" + site.host() + ":" + site.ftpPort();
      case SFTP -> "set sftp:connect-program " + quote("ssh -a -x " + String.join(" ", new OpenSshOptions(site).arguments()))
          + "; open -u " + site.user() + "," + switch (site.credential()) {
            case Site.Key key -> "";
            case Site.Password password -> quote(password.text());
          } + " sftp://" + site.host() + ":" + site.sftpPort();
    };
  }

  private static String quote(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }
}
