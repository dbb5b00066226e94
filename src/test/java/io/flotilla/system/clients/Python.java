package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** A program of a few lines on one of Python's libraries: what partners' own scripts look like. */
public final class Python implements FileClient {

  /** On which library, and by which protocol. */
  public enum Library { FTPLIB, FTPLIB_TLS, PARAMIKO }

  private static final String FTPLIB = """
      import ftplib, os, ssl, sys
      operation, arguments = sys.argv[1], sys.argv[2:]
      if os.environ.get("CERTIFICATE"):
          ftp = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=os.environ["CERTIFICATE"]), timeout=60)
      else:
          ftp = ftplib.FTP(timeout=60)
      ftp.connect(os.environ["TARGET"], int(os.environ["PORT"]))
      ftp.login(os.environ["ACCOUNT"], os.environ["SECRET"])
      if os.environ.get("CERTIFICATE"):
          ftp.prot_p()

      def put(local, remote, at=0):
          with open(local, "rb") as file:
              file.seek(at)
              ftp.storbinary("STOR " + remote, file, rest=at or None)

      def get(remote, local, at=0):
          with open(local, "ab" if at else "wb") as file:
              ftp.retrbinary("RETR " + remote, file.write, rest=at or None)

      def size(remote):
          ftp.voidcmd("TYPE I")
          return ftp.size(remote)

      def put_all(directory, remote):
          ftp.mkd(remote)
          for name in os.listdir(directory):
              put(os.path.join(directory, name), remote + "/" + name)

      def get_all(remote, directory):
          os.mkdir(directory)
          for name, facts in list(ftp.mlsd(remote)):
              if facts["type"] == "file":
                  get(remote + "/" + name, os.path.join(directory, name))

      def show(directory):
          for name, _ in ftp.mlsd(directory):
              print(name)

      {"list": show, "put": put, "get": get, "put-all": put_all, "get-all": get_all,
       "resume-put": lambda local, remote: put(local, remote, size(remote)),
       "resume-get": lambda remote, local: get(remote, local, os.path.getsize(local)),
       "rename": ftp.rename, "delete": ftp.delete, "mkdir": ftp.mkd}[operation](*arguments)
      ftp.quit()
      """;

  private static final String PARAMIKO = """
      import os, shutil, sys, paramiko
      operation, arguments = sys.argv[1], sys.argv[2:]
      ssh = paramiko.SSHClient()
      ssh.load_host_keys(os.environ["KNOWN_HOSTS"])
      ssh.connect(os.environ["TARGET"], int(os.environ["PORT"]), os.environ["ACCOUNT"], password=os.environ.get("SECRET"),
                  key_filename=os.environ.get("KEY"), allow_agent=False, look_for_keys=False, timeout=60)
      sftp = ssh.open_sftp()

      def put_all(directory, remote):
          sftp.mkdir(remote)
          for name in os.listdir(directory):
              sftp.put(os.path.join(directory, name), remote + "/" + name)

      def get_all(remote, directory):
          os.mkdir(directory)
          for name in sftp.listdir(remote):
              sftp.get(remote + "/" + name, os.path.join(directory, name))

      def resume_put(local, remote):
          with open(local, "rb") as source, sftp.open(remote, "r+b") as target:
              at = target.stat().st_size
              source.seek(at)
              target.seek(at)
              target.set_pipelined(True)
              shutil.copyfileobj(source, target, 32768)

      def resume_get(remote, local):
          with sftp.open(remote, "rb") as source, open(local, "ab") as target:
              source.seek(target.tell())
              shutil.copyfileobj(source, target, 32768)

      def show(directory):
          for name in sftp.listdir("/" + directory):
              print(name)

      {"list": show, "put": sftp.put, "get": sftp.get, "put-all": put_all, "get-all": get_all,
       "resume-put": resume_put, "resume-get": resume_get,
       "rename": sftp.rename, "delete": sftp.remove, "mkdir": sftp.mkdir}[operation](*arguments)
      ssh.close()
      """;

  private final Library library;

  public Python(Library library) {
    this.library = library;
  }

  @Override
  public String name() {
    return switch (library) {
      case FTPLIB -> "ftplib";
      case FTPLIB_TLS -> "ftplib+tls";
      case PARAMIKO -> "paramiko";
    };
  }

  @Override
  public Command list(Site site, String directory) {
    return call(site, "list", directory);
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return call(site, "put", local.toString(), remote);
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return call(site, "get", remote, local.toString());
  }

  @Override
  public Command resumePut(Site site, Path local, String remote) {
    return call(site, "resume-put", local.toString(), remote);
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    return call(site, "resume-get", remote, local.toString());
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return call(site, "rename", remote, newName);
  }

  @Override
  public Command delete(Site site, String remote) {
    return call(site, "delete", remote);
  }

  @Override
  public Command makeDirectory(Site site, String remote) {
    return call(site, "mkdir", remote);
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return call(site, "put-all", directory.toString(), parent + "/" + directory.getFileName());
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return call(site, "get-all", directory, localParent.resolve(FileClient.lastName(directory)).toString());
  }

  @Override
  public Map<String, String> cannotSay(List<String> names) {
    return library == Library.PARAMIKO ? Map.of() : FileClient.withNewline(names, FTP_COMMANDS_ARE_LINES);
  }

  private Command call(Site site, String operation, String... arguments) {
    Map<String, String> environment = new HashMap<>(Map.of("TARGET", site.host(), "ACCOUNT", site.user()));
    environment.putAll(switch (library) {
      case FTPLIB -> Map.of("PORT", Integer.toString(site.ftpPort()), "SECRET", site.password());
      case FTPLIB_TLS -> Map.of("PORT", Integer.toString(site.ftpPort()), "SECRET", site.password(),
          "CERTIFICATE", site.trust().certificate().toString());
      case PARAMIKO -> Map.of("PORT", Integer.toString(site.sftpPort()), "KNOWN_HOSTS", site.trust().knownHosts().toString());
    });
    if (library == Library.PARAMIKO) {
      environment.putAll(switch (site.credential()) {
        case Site.Key key -> Map.of("KEY", key.file().toString());
        case Site.Password password -> Map.of("SECRET", password.text());
      });
    }
    // The system's own Python has the system's packages, whatever else is installed.
    String script = library == Library.PARAMIKO ? PARAMIKO : FTPLIB;
    return Command.of(Stream.concat(Stream.of("/usr/bin/python3", "-c", script, operation), Arrays.stream(arguments)).toList())
        .with(environment);
  }
}
