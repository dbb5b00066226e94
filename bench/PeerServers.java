import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/**
 * Well-known servers with configurations of their own, on free ports of 127.0.0.1: OpenSSH, vsftpd, ProFTPD and nginx, which serve
 * the same directory as the node that is measured beside them. Needs root.
 */
final class PeerServers implements AutoCloseable {
  static final String USER = "bench";
  static final String PASSWORD = "bench-password-1";
  private static final int START_SECONDS = 20;

  private final Path work;
  private final Path root;
  private final List<Process> started = new ArrayList<>();
  Peer sshd;
  Peer vsftpd;
  Peer proftpd;
  /** By HTTP. */
  Peer nginx;
  int nginxTlsPort;

  record Peer(ProcessHandle process, int port) {}

  /**
   * @param work for configurations, keys and logs
   * @param root what is served; all may write to its directory for uploads, since the servers work as users of their own
   */
  PeerServers(Path work, Path root) {
    this.work = work;
    this.root = root;
  }

  void start() throws Exception {
    Runtime.getRuntime().addShutdownHook(new Thread(this::stop)); // for a measurement that is broken off
    key("host_ed25519", "ed25519");
    run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-keyout", at("tls.key"), "-out", at("tls.crt"));
    sshd = startSshd();
    vsftpd = startVsftpd();
    proftpd = startProftpd();
    nginx = startNginx();
  }

  /** A key pair without a passphrase; the public one has the ending {@code .pub}. */
  Path key(String name, String type) throws Exception {
    run("ssh-keygen", "-q", "-t", type, "-N", "", "-f", at(name));
    return work.resolve(name);
  }

  private Peer startSshd() throws Exception {
    Files.createDirectories(Path.of("/run/sshd")); // built into sshd, for its separation of privileges
    int port = freePort();
    Path config = Files.writeString(work.resolve("sshd.conf"), """
        ListenAddress 127.0.0.1:%d
        HostKey %s
        PidFile none
        AuthorizedKeysFile %s
        StrictModes no
        PermitRootLogin yes
        UsePAM no
        KbdInteractiveAuthentication no
        UseDNS no
        MaxStartups 500:30:1000
        LogLevel ERROR
        Subsystem sftp internal-sftp -d %s
        """.formatted(port, at("host_ed25519"), at("id_ecdsa.pub"), root));
    return peer(port, "/usr/sbin/sshd", "-D", "-e", "-f", config.toString());
  }

  /**
   * Its user is whoever comes without a name, because another one would need an account of the system; it works as one of
   * those that every system has and whose home exists, since it looks into that first.
   */
  private Peer startVsftpd() throws Exception {
    Path binary = unpacked("vsftpd", "usr/sbin/vsftpd");
    int port = freePort();
    Files.createDirectories(work.resolve("empty"));
    Path config = Files.writeString(work.resolve("vsftpd.conf"), """
        listen=YES
        listen_address=127.0.0.1
        listen_port=%d
        background=NO
        anonymous_enable=YES
        local_enable=NO
        write_enable=YES
        ftp_username=daemon
        anon_root=%s
        allow_writeable_chroot=YES
        anon_upload_enable=YES
        anon_other_write_enable=YES
        anon_world_readable_only=NO
        no_anon_password=YES
        secure_chroot_dir=%s
        xferlog_enable=NO
        max_clients=3000
        max_per_ip=3000
        """.formatted(port, root, work.resolve("empty")));
    return peer(port, binary.toString(), config.toString());
  }

  private Peer startProftpd() throws Exception {
    int port = freePort();
    Process hash = new ProcessBuilder("openssl", "passwd", "-6", PASSWORD).start();
    Path passwords = Files.writeString(work.resolve("proftpd.passwd"),
        USER + ":" + new String(hash.getInputStream().readAllBytes()).strip() + ":65534:65534::" + root + ":/bin/sh\n");
    Files.setPosixFilePermissions(passwords, PosixFilePermissions.fromString("rw-------"));
    Path config = Files.writeString(work.resolve("proftpd.conf"), """
        ModulePath /usr/lib/proftpd
        LoadModule mod_tls.c
        ServerName bench
        ServerType standalone
        DefaultAddress 127.0.0.1
        SocketBindTight on
        Port %d
        UseIPv6 off
        UseReverseDNS off
        User nobody
        Group nogroup
        MaxInstances 1000
        PidFile %s
        ScoreboardFile %s
        DelayEngine off
        WtmpLog off
        TransferLog none
        SystemLog %s
        RequireValidShell off
        AuthPAM off
        AuthOrder mod_auth_file.c
        AuthUserFile %s
        AllowOverwrite on
        TLSEngine on
        TLSRequired off
        TLSECCertificateFile %s
        TLSECCertificateKeyFile %s
        TLSOptions NoSessionReuseRequired
        """.formatted(port, at("proftpd.pid"), at("proftpd.scores"), at("proftpd.system.log"), passwords, at("tls.crt"),
        at("tls.key")));
    return peer(port, "proftpd", "-n", "-c", config.toString());
  }

  private Peer startNginx() throws Exception {
    Path binary = unpacked("nginx", "usr/sbin/nginx");
    int port = freePort();
    nginxTlsPort = freePort();
    Path uploads = Files.createDirectories(root.resolve(".nginx")); // where an upload only needs to be renamed in the end
    Path config = Files.writeString(work.resolve("nginx.conf"), """
        daemon off;
        user nobody nogroup;
        worker_processes auto;
        pid %1$s/nginx.pid;
        error_log %1$s/nginx.log;
        events { worker_connections 2048; }
        http {
          access_log off;
          sendfile on;
          tcp_nopush on;
          client_max_body_size 0;
          default_type application/octet-stream;
          client_body_temp_path %2$s;
          proxy_temp_path %1$s/nginx-proxy;
          fastcgi_temp_path %1$s/nginx-fastcgi;
          uwsgi_temp_path %1$s/nginx-uwsgi;
          scgi_temp_path %1$s/nginx-scgi;
          server {
            listen 127.0.0.1:%3$d;
            listen 127.0.0.1:%4$d ssl;
            ssl_certificate %1$s/tls.crt;
            ssl_certificate_key %1$s/tls.key;
            ssl_protocols TLSv1.3;
            root %5$s;
            location /up/ { dav_methods PUT; }
          }
        }
        """.formatted(work, uploads, port, nginxTlsPort, root));
    return peer(port, binary.toString(), "-c", config.toString(), "-e", at("nginx.log"));
  }

  /** Debian's FTP servers can't be installed beside each other, and its nginx would serve at once, so these are only unpacked. */
  private Path unpacked(String debianPackage, String file) throws Exception {
    Path directory = Files.createDirectories(work.resolve(debianPackage));
    Process download = new ProcessBuilder("apt-get", "download", "-q", debianPackage).directory(directory.toFile())
        .redirectErrorStream(true).redirectOutput(directory.resolve("download.txt").toFile()).start();
    if (download.waitFor() != 0) {
      throw new IllegalStateException("apt-get download " + debianPackage + ": "
          + Files.readString(directory.resolve("download.txt")));
    }
    try (var archives = Files.newDirectoryStream(directory, "*.deb")) {
      for (Path archive : archives) {
        run("dpkg", "-x", archive.toString(), directory.toString());
      }
    }
    return directory.resolve(file);
  }

  private Peer peer(int port, String... command) throws Exception {
    Path output = work.resolve(Path.of(command[0]).getFileName() + ".txt");
    Process process = new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start();
    started.add(process);
    long deadline = System.nanoTime() + TimeUnit.SECONDS.toNanos(START_SECONDS);
    while (true) {
      try (Socket socket = new Socket()) {
        socket.connect(new InetSocketAddress("127.0.0.1", port));
        return new Peer(process.toHandle(), port);
      } catch (IOException e) {
        if (!process.isAlive() || System.nanoTime() > deadline) {
          throw new IllegalStateException(String.join(" ", command) + " did not start: " + Files.readString(output));
        }
        TimeUnit.MILLISECONDS.sleep(50);
      }
    }
  }

  private String at(String name) {
    return work.resolve(name).toString();
  }

  private void run(String... command) throws Exception {
    Path output = Files.createTempFile(work, "run", ".txt");
    if (new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(output.toFile()).start().waitFor() != 0) {
      throw new IllegalStateException(String.join(" ", command) + " failed: " + Files.readString(output));
    }
  }

  private static int freePort() throws IOException {
    try (ServerSocket socket = new ServerSocket(0)) {
      return socket.getLocalPort();
    }
  }

  @Override
  public void close() {
    stop();
  }

  /** With their sessions, whose clients then end as well. */
  private void stop() {
    for (Process process : started) {
      List<ProcessHandle> sessions = process.descendants().toList();
      process.destroy();
      process.onExit().orTimeout(5, TimeUnit.SECONDS).exceptionally(late -> process.destroyForcibly()).join();
      sessions.forEach(ProcessHandle::destroyForcibly);
    }
  }
}
