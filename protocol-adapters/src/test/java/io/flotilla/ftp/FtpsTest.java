package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import io.flotilla.config.model.Kind;
import io.flotilla.tls.TlsIdentity;
import io.flotilla.tls.TrustingClient;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicLong;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** FTP under TLS, with real clients and with a raw one. */
class FtpsTest extends FtpFixture {
  private static final int SIZE = 5_000_011;
  /** Header, level, description, type of the content, Java's padding and the tag (RFC 8446, section 5.2). */
  private static final long CLOSE_NOTIFY = 5 + 2 + 1 + 16 + 16;

  @Override
  FtpSettings settings() {
    return new FtpSettings(Duration.ofSeconds(30), Duration.ofMillis(10), Duration.ofSeconds(5), Duration.ofSeconds(2),
        Duration.ofMillis(5), 100);
  }

  private TlsIdentity certificate(String commonName) {
    TlsIdentity identity = TlsIdentity.selfSigned(commonName, List.of("127.0.0.1"), Instant.now());
    config.secret(Kind.CERTIFICATES, "cert", "privateKey", identity.privateKeyPem(),
        json -> json.put("certificate", identity.certificatePem()));
    return identity;
  }

  private void tls(String mode, boolean requireReuse) {
    certificate("first");
    listener(json -> json.putObject("ftp").put("tls", mode).put("certificate", "cert").put("requireSessionReuse", requireReuse));
    assertEquals(List.of(), config.commit(adapter));
  }

  private RawFtp secured(SSLContext context, String... protocols) throws IOException {
    RawFtp client = connect();
    client.command("AUTH TLS", 234);
    client.secure(context, protocols);
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    client.command("PBSZ 0", 200);
    client.command("PROT P", 200);
    client.command("TYPE I", 200);
    return client;
  }

  private ClientRun curl(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("curl", "-q", "-sS", "-k", "--max-time", "60", "-u", "ann:" + PASSWORD));
    line.addAll(List.of(arguments));
    return run(line.toArray(String[]::new));
  }

  private void curlOk(String... arguments) throws Exception {
    ClientRun run = curl(arguments);
    assertEquals(0, run.status(), run.output());
  }

  @ParameterizedTest
  @ValueSource(strings = {"1.2 explicit", "1.3 explicit", "1.2 required", "1.3 required", "1.2 implicit", "1.3 implicit"})
  void curl_transfers_withSessionReuseRequired(String version) throws Exception {
    String mode = version.substring(4);
    tls(mode, true);
    String url = (mode.equals("implicit") ? "ftps" : "ftp") + "://127.0.0.1:" + port + "/";
    String max = version.substring(0, 3);
    byte[] data = random(SIZE);
    Path local = Files.write(temp.resolve("local"), data);
    Path back = temp.resolve("back");
    for (int i = 0; i < 2; i++) {
      curlOk("--ssl-reqd", "--tls-max", max, "--tlsv" + max, "-T", local.toString(), url + "a", "-T", local.toString(), url + "b");
      assertArrayEquals(data, Files.readAllBytes(home().resolve("b")));
      curlOk("--ssl-reqd", "--tls-max", max, "-o", back.toString(), url + "a", "-o", back.toString(), url + "b");
      assertArrayEquals(data, Files.readAllBytes(back));
    }
    assertTrue(curl("--ssl-reqd", "--tls-max", max, url).output().contains(" a\n"));
    assertEquals(List.of("a", "b"), homeEntries());
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void lftp_mirrorsInParallel(boolean requireReuse) throws Exception {
    tls("required", requireReuse);
    Path tree = Files.createDirectory(temp.resolve("tree"));
    for (int i = 0; i < 40; i++) {
      Files.write(tree.resolve("file-" + i), random(i * 5000));
    }
    // Where sessions have to be resumed, a client that has closed its socket before the ticket comes may have to send a file again.
    String open = "set ssl:verify-certificate no; set ftp:ssl-force yes; set ftp:ssl-protect-data yes; set net:reconnect-interval-base 0; "
        + "set net:max-retries " + (requireReuse ? 5 : 1) + "; "
        + "set cmd:fail-exit yes; open -u ann,'" + PASSWORD + "' ftp://127.0.0.1:" + port + "; ";
    runOk("lftp", "--norc", "-c", open + "mirror -R -P 4 tree up; mirror -P 4 up down");
    for (int i = 0; i < 40; i++) {
      assertArrayEquals(random(i * 5000), Files.readAllBytes(temp.resolve("down/file-" + i)));
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void ftplib_transfers(boolean reuse) throws Exception {
    tls("explicit", reuse);
    Files.writeString(temp.resolve("script.py"), """
        import ftplib, io, ssl, sys
        class Reusing(ftplib.FTP_TLS):
            def ntransfercmd(self, cmd, rest=None):
                conn, size = ftplib.FTP.ntransfercmd(self, cmd, rest)
                if self._prot_p:
                    conn = self.context.wrap_socket(conn, server_hostname=self.host, session=self.sock.session)
                return conn, size
        context = ssl._create_unverified_context()
        ftp = (Reusing if sys.argv[3] == 'true' else ftplib.FTP_TLS)(context=context)
        ftp.connect('127.0.0.1', int(sys.argv[1]), timeout=20)
        ftp.login('ann', sys.argv[2])
        data = bytes(range(256)) * 4000
        ftp.storbinary('STOR clear', io.BytesIO(data))
        ftp.prot_p()
        ftp.storbinary('STOR a', io.BytesIO(data))
        assert ftp.size('a') == len(data)
        for i in range(3):
            out = io.BytesIO()
            ftp.retrbinary('RETR a', out.write)
            assert out.getvalue() == data
        ftp.storlines('STOR t', io.BytesIO(b'one\\r\\ntwo\\r\\n'))
        assert sorted(ftp.nlst()) == ['a', 'clear', 't'], ftp.nlst()
        assert len(list(ftp.mlsd())) == 3
        try:
            ftp.ccc()
            ftp.pwd()
            assert False, 'CCC worked'
        except ftplib.Error as e:
            print(e)
        ftp.quit()
        """);
    runOk("python3", "script.py", Integer.toString(port), PASSWORD, Boolean.toString(reuse));
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void dataConnection_thatResumesNothing_isRefusedIfItHasTo(String protocol) throws Exception {
    tls("explicit", true);
    SSLContext context = TrustingClient.context();
    RawFtp client = secured(context, protocol);
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      SSLSocket secured = RawFtp.secure(TrustingClient.context(), data, protocol);
      secured.getOutputStream().write(1);
    } catch (IOException e) {
      // It may be closed before the client is ready.
    }
    assertEquals("522 The data connection has to resume the TLS session of the control connection", client.expect(522));
    assertEquals(List.of(), homeEntries());
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      data.getOutputStream().write("in clear, while it should be protected".getBytes(java.nio.charset.StandardCharsets.US_ASCII));
      client.expect(522);
    }
    client.command("NOOP", 200);
  }

  @Test
  void required_letsNothingInClear() throws Exception {
    tls("required", false);
    RawFtp client = connect();
    client.command("USER ann", 530);
    client.command("PASS " + PASSWORD, 503);
    client.command("PBSZ 0", 503);
    client.command("PROT P", 503);
    client.command("AUTH KERBEROS", 504);
    client.command("AUTH TLS", 234);
    client.secure(TrustingClient.context());
    client.command("AUTH TLS", 503);
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    client.passivePort();
    client.command("LIST", 521);
    client.command("PROT P", 503);
    client.command("PBSZ 0", 200);
    client.command("PROT C", 534);
    client.command("PROT E", 536);
    client.command("PROT X", 504);
    client.command("CCC", 534);
    client.command("PROT P", 200);
    assertTrue(client.command("FEAT", 211).contains("\n AUTH TLS\n PBSZ\n PROT\n"));
    client.command("REIN", 220);
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    client.passivePort();
    client.command("LIST", 521);
  }

  @Test
  void required_holdsAlsoForThoseWhoCameBefore() throws Exception {
    tls("explicit", false);
    RawFtp loggedIn = connect();
    loggedIn.command("USER ann", 331);
    loggedIn.command("PASS " + PASSWORD, 230);
    RawFtp connected = connect();
    tls("required", false);
    connected.command("USER ann", 530);
    loggedIn.passivePort();
    loggedIn.command("LIST", 521);
    loggedIn.command("REIN", 220);
    loggedIn.command("USER ann", 530);
  }

  @Test
  void commandsSentBeforeTheHandshake_areForgotten() throws Exception {
    tls("explicit", false);
    RawFtp client = connect();
    client.send("AUTH TLS\r\nUSER ann\r\n");
    client.expect(234);
    client.secure(TrustingClient.context());
    client.command("PASS " + PASSWORD, 503);
  }

  @Test
  void authentication_thatWaitedForATransfer_isRefused() throws Exception {
    tls("explicit", false);
    RawFtp client = login();
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      client.send("REIN\r\nAUTH TLS\r\n");
      client.command("NOOP", 200); // answered at once, so the two are waiting
    }
    client.expect(226);
    client.expect(220);
    client.expect(503);
    client.command("AUTH TLS", 234);
    client.secure(TrustingClient.context());
    client.command("NOOP", 200);
  }

  @Test
  void authentication_afterTheLogin_isRefused() throws Exception {
    tls("explicit", false);
    RawFtp client = login();
    client.command("AUTH TLS", 503);
    client.command("PBSZ 0", 503);
    assertEquals("", client.list("NLST"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"TLSv1.2", "TLSv1.3"})
  void upload_withoutCloseNotify_isNotPublished(String protocol) throws Exception {
    tls("explicit", false);
    RawFtp client = secured(TrustingClient.context(), protocol);
    Socket data = client.data();
    client.command("STOR cut", 150);
    SSLSocket secured = RawFtp.secure(TrustingClient.context(), data, protocol);
    secured.getOutputStream().write(random(SIZE));
    data.close(); // beneath TLS: anybody on the way could do that
    client.expect(426);
    assertFalse(Files.exists(home().resolve("cut")));
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getLast().outcome());
    data = client.data();
    client.command("STOR whole", 150);
    secured = RawFtp.secure(TrustingClient.context(), data, protocol);
    secured.getOutputStream().write(random(SIZE));
    secured.close();
    client.expect(226);
    assertArrayEquals(random(SIZE), Files.readAllBytes(home().resolve("whole")));
    data = client.data();
    client.command("RETR whole", 150);
    secured = RawFtp.secure(TrustingClient.context(), data, protocol);
    assertArrayEquals(random(SIZE), secured.getInputStream().readAllBytes(), "ends with close_notify, or this throws");
    client.expect(226);
  }

  /** A client that has sent all and closed its socket answers whatever comes with a reset, which costs it what is still on its way. */
  @Test
  void dataConnection_underTls13_bringsNoTickets() throws Exception {
    tls("explicit", false);
    RawFtp client = secured(TrustingClient.context(), "TLSv1.3");
    AtomicLong received = new AtomicLong();
    try (Socket data = counting(received)) {
      data.connect(RawFtp.passiveAddress(client.command("PASV", 227)));
      client.command("STOR a", 150);
      SSLSocket secured = RawFtp.secure(TrustingClient.context(), data, "TLSv1.3");
      long handshake = received.get();
      secured.getOutputStream().write(1);
      secured.shutdownOutput();
      assertEquals(-1, secured.getInputStream().read());
      assertEquals(CLOSE_NOTIFY, received.get() - handshake, "bytes after the handshake");
      client.expect(226);
    }
  }

  private static Socket counting(AtomicLong received) {
    return new Socket() {
      @Override
      public InputStream getInputStream() throws IOException {
        return new FilterInputStream(super.getInputStream()) {
          @Override
          public int read(byte[] target, int offset, int length) throws IOException {
            int count = super.read(target, offset, length);
            received.addAndGet(Math.max(count, 0));
            return count;
          }
        };
      }
    };
  }

  @Test
  void abort_underTls_works() throws Exception {
    tls("explicit", false);
    RawFtp client = secured(TrustingClient.context());
    try (var file = new java.io.RandomAccessFile(home().resolve("big").toFile(), "rw")) {
      file.setLength(200L << 20);
    }
    Socket data = client.data();
    client.command("RETR big", 150);
    SSLSocket secured = RawFtp.secure(TrustingClient.context(), data);
    secured.getInputStream().readNBytes(100_000);
    client.command("ABOR", 426);
    client.expect(226);
    assertThrows(IOException.class, () -> secured.getInputStream().readAllBytes());
    client.command("NOOP", 200);
  }

  @Test
  void handshakeThatNeverComes_isGivenUp() throws Exception {
    tls("explicit", false);
    RawFtp client = secured(TrustingClient.context());
    try (Socket data = client.data()) {
      client.command("STOR a", 150);
      client.expect(426); // after the stall time
    }
    assertEquals(List.of(), homeEntries());
  }

  @Test
  void otherApplicationProtocols_areRefused() throws Exception {
    tls("explicit", false);
    for (String protocol : new String[] {"h2", "ftp"}) {
      RawFtp client = connect();
      client.command("AUTH TLS", 234);
      SSLSocket socket = (SSLSocket) TrustingClient.context().getSocketFactory().createSocket(client.socket, "127.0.0.1", port, true);
      SSLParameters parameters = socket.getSSLParameters();
      parameters.setApplicationProtocols(new String[] {protocol});
      socket.setSSLParameters(parameters);
      if (protocol.equals("ftp")) {
        socket.startHandshake();
        assertEquals("ftp", socket.getApplicationProtocol());
      } else {
        assertThrows(SSLException.class, socket::startHandshake);
      }
    }
  }

  @Test
  void renegotiation_isRefused() throws Exception {
    tls("explicit", false);
    RawFtp client = connect();
    client.command("AUTH TLS", 234);
    SSLSocket socket = client.secure(TrustingClient.context(), "TLSv1.2");
    client.command("NOOP", 200);
    assertThrows(IOException.class, () -> {
      socket.startHandshake();
      client.command("NOOP", 200);
    });
  }

  @Test
  void junkInsteadOfTls_endsTheConnection() throws Exception {
    tls("implicit", false);
    try (RawFtp client = new RawFtp(port)) {
      client.send("USER ann\r\n".repeat(100));
      assertTrue(client.isEnded());
    }
    tls("explicit", false);
    RawFtp client = connect();
    client.command("AUTH TLS", 234);
    client.send("USER ann\r\nPASS x\r\n");
    assertTrue(client.isEnded());
    Awaitility.await().until(() -> connect().command("NOOP", 200) != null);
  }

  @Test
  void newCertificate_isShownToNewClients_andOthersGoOn() throws Exception {
    tls("explicit", false);
    RawFtp old = connect();
    old.command("AUTH TLS", 234);
    SSLSocket before = old.secure(TrustingClient.context());
    certificate("second");
    assertEquals(List.of(), config.commit(adapter));
    RawFtp young = connect();
    young.command("AUTH TLS", 234);
    SSLSocket after = young.secure(TrustingClient.context());
    assertNotEquals(before.getSession().getPeerCertificates()[0], after.getSession().getPeerCertificates()[0]);
    old.command("NOOP", 200);
    young.command("NOOP", 200);
    config.change(Kind.CERTIFICATES, "cert", json -> json.put("certificate",
        TlsIdentity.selfSigned("third", List.of("127.0.0.1"), Instant.now()).certificatePem()));
    assertEquals(1, config.commit(adapter).size(), "a key that is not the certificate's is reported");
    RawFtp still = connect();
    still.command("AUTH TLS", 234);
    assertEquals(after.getSession().getPeerCertificates()[0], still.secure(TrustingClient.context()).getSession().getPeerCertificates()[0]);
  }

  @Test
  void goodbye_isSaidUnderTls() throws Exception {
    tls("implicit", false);
    RawFtp client = new RawFtp(port);
    client.secure(TrustingClient.context());
    client.expect(220);
    client.command("USER ann", 331);
    client.command("PASS " + PASSWORD, 230);
    config.change(Kind.USERS, "ann", json -> json.put("enabled", false));
    config.commit(adapter);
    client.expect(421);
    assertTrue(client.isEnded());
    client.close();
  }
}
