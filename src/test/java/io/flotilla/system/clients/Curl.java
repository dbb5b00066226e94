package io.flotilla.system.clients;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** curl with the protocols of file transfer that it knows; those over SSH are libssh2's. */
public final class Curl implements FileClient {

  /** What it can speak. */
  public enum Protocol { FTP, FTPS_EXPLICIT, FTPS_IMPLICIT, SFTP, SCP }

  /** What libssh2 1.10 has beside a name in its buffer for a record: mode, size, spaces and the end. */
  private static final int LONGEST_OF_SCP = 230;

  private final Protocol protocol;

  public Curl(Protocol protocol) {
    this.protocol = protocol;
  }

  @Override
  public String name() {
    return "curl " + switch (protocol) {
      case FTP -> "ftp";
      case FTPS_EXPLICIT -> "ftp+tls";
      case FTPS_IMPLICIT -> "ftps";
      case SFTP -> "sftp";
      case SCP -> "scp";
    };
  }

  @Override
  public Command list(Site site, String directory) {
    if (protocol == Protocol.SCP) {
      throw new CannotDo("only copies files");
    }
    return call(site, url(site, directory + "/"));
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return call(site, "-T", local.toString(), url(site, remote));
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return call(site, "-o", local.toString(), url(site, remote));
  }

  /** Prints a file to the standard output. */
  public Command print(Site site, String remote) {
    return call(site, url(site, remote));
  }

  @Override
  public Command resumePut(Site site, Path local, String remote) {
    refuseResumeByScp();
    return call(site, "-C", "-", "-T", local.toString(), url(site, remote));
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    refuseResumeByScp();
    return call(site, "-C", "-", "-o", local.toString(), url(site, remote));
  }

  private void refuseResumeByScp() {
    if (protocol == Protocol.SCP) {
      throw new CannotDo("has no way to go on with a broken transfer");
    }
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return quote(site, List.of("rename " + quote(remote) + " " + quote(newName)), List.of("RNFR /" + remote, "RNTO /" + newName));
  }

  @Override
  public Command delete(Site site, String remote) {
    return quote(site, List.of("rm " + quote(remote)), List.of("DELE /" + remote));
  }

  @Override
  public Command makeDirectory(Site site, String remote) {
    return quote(site, List.of("mkdir " + quote(remote)), List.of("MKD /" + remote));
  }

  /** Commands of its own before a listing. */
  private Command quote(Site site, List<String> sftp, List<String> ftp) {
    List<String> commands = switch (protocol) {
      case SCP -> throw new CannotDo("only copies files");
      case SFTP -> sftp;
      case FTP, FTPS_EXPLICIT, FTPS_IMPLICIT -> ftp;
    };
    List<String> arguments = new ArrayList<>(commands.stream().flatMap(command -> Stream.of("-Q", command)).toList());
    arguments.add(url(site, ""));
    return call(site, arguments.toArray(String[]::new));
  }

  private static String quote(String path) {
    return "\"/" + path.replace("\\", "\\\\").replace("\"", "\\\"") + "\"";
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    String remote = parent + "/" + directory.getFileName() + "/";
    try (Stream<Path> files = Files.list(directory)) {
      return configured(site, "--ftp-create-dirs", files.map(file ->
          "upload-file = " + configValue(file.toString()) + "\nurl = " + configValue(url(site, remote + file.getFileName()))));
    } catch (java.io.IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    Path local = localParent.resolve(FileClient.lastName(directory));
    return configured(site, "--create-dirs", names.stream().map(name -> "output = " + configValue(local.resolve(name).toString())
        + "\nurl = " + configValue(url(site, directory + "/" + name))));
  }

  /**
   * One call for many files. Several at once, because curl 7.88 waits for a second where a reply to EPSV comes while it still
   * sends the command.
   */
  private Command configured(Site site, String option, Stream<String> transfers) {
    return call(site, option, "-Z", "--parallel-max", "8", "-K", "-").reading(transfers.collect(Collectors.joining("\n")) + "\n");
  }

  private static String configValue(String text) {
    return "\"" + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + "\"";
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return switch (protocol) {
      case SFTP -> Map.of();
      case SCP -> unsayableByScp(names);
      case FTP, FTPS_EXPLICIT, FTPS_IMPLICIT -> FileClient.withNewline(names, FTP_COMMANDS_ARE_LINES);
    };
  }

  private static Map<String, String> unsayableByScp(List<String> names) {
    Map<String, String> unsayable = new HashMap<>(FileClient.withNewline(names, SCP_RECORDS_ARE_LINES));
    names.stream().filter(name -> name.length() > LONGEST_OF_SCP)
        .forEach(name -> unsayable.put(name, "no name of 255 bytes: libssh2 has 256 for the record that tells it"));
    return unsayable;
  }

  @Override
  public Optional<String> whyNoDirectories() {
    return protocol == Protocol.SCP ? Optional.of("makes no directories, they have to be there") : Optional.empty();
  }

  private Command call(Site site, String... arguments) {
    List<String> line = new ArrayList<>(List.of("curl", "-q", "-sS", "-g", "--fail-early"));
    String certificate = site.trust().certificate().toString();
    line.addAll(switch (protocol) {
      case FTP -> List.of("-u", site.user() + ":" + site.password());
      case FTPS_EXPLICIT -> List.of("--ssl-reqd", "--cacert", certificate, "-u", site.user() + ":" + site.password());
      case FTPS_IMPLICIT -> List.of("--cacert", certificate, "-u", site.user() + ":" + site.password());
      case SFTP, SCP -> ssh(site);
    });
    line.addAll(Arrays.asList(arguments));
    return Command.of(line);
  }

  private static List<String> ssh(Site site) {
    List<String> line = new ArrayList<>(List.of("--hostpubsha256", site.trust().fingerprint()));
    line.addAll(switch (site.credential()) {
      case Site.Key key -> List.of("-u", site.user() + ":", "--key", key.file().toString(), "--pubkey", key.publicKey().toString());
      case Site.Password password -> List.of("-u", site.user() + ":" + password.text());
    });
    return line;
  }

  private String url(Site site, String path) {
    return switch (protocol) {
      case FTP, FTPS_EXPLICIT -> "ftp://" + site.host() + ":" + site.ftpPort();
      case FTPS_IMPLICIT -> "ftps://" + site.host() + ":" + site.ftpsPort();
      case SFTP -> "sftp://" + site.host() + ":" + site.sftpPort();
      case SCP -> "scp://" + site.host() + ":" + site.sftpPort();
    } + "/" + encode(path.startsWith("/") ? path.substring(1) : path);
  }

  private static String encode(String path) {
    StringBuilder encoded = new StringBuilder();
    for (byte b : path.getBytes(StandardCharsets.UTF_8)) {
      boolean plain = b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || "-._~/".indexOf(b) >= 0;
      encoded.append(plain ? String.valueOf((char) b) : "%%%02X".formatted(b));
    }
    return encoded.toString();
  }
}
