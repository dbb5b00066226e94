package io.flotilla.ftp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.ClientEvent;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What users do, with the clients they do it with. */
class FtpClientsTest extends FtpFixture {
  private static final int SIZE = 5_000_011;

  private String url(String path) {
    return "ftp://127.0.0.1:" + port + "/" + path;
  }

  private void curl(String... arguments) throws Exception {
    runOk(curlLine(arguments));
  }

  private String[] curlLine(String... arguments) {
    List<String> line = new java.util.ArrayList<>(List.of("curl", "-q", "-sS", "--max-time", "60", "-u", "ann:" + PASSWORD));
    line.addAll(List.of(arguments));
    return line.toArray(String[]::new);
  }

  private ClientRun lftp(String... commands) throws Exception {
    return run("lftp", "--norc", "-c", "set net:max-retries 1; set net:timeout 20; set cmd:fail-exit true; "
        + "set ftp:ssl-allow no; open -u ann,'" + PASSWORD + "' ftp://127.0.0.1:" + port + "; " + String.join("; ", commands));
  }

  private void lftpOk(String... commands) throws Exception {
    ClientRun run = lftp(commands);
    assertEquals(0, run.status(), run.output());
  }

  @ParameterizedTest
  @ValueSource(strings = {"--ftp-pasv", "--disable-epsv", "--ftp-port=-", "--disable-eprt"})
  void curl_transfersAndResumes_inEveryWayToConnect(String way) throws Exception {
    String[] ways = way.equals("--disable-eprt") ? new String[] {"--ftp-port", "-", way}
        : way.equals("--ftp-port=-") ? new String[] {"--ftp-port", "-"} : new String[] {way};
    byte[] data = random(SIZE);
    Path local = Files.write(temp.resolve("local"), data);
    curl(with(ways, "-T", local.toString(), url("dir/remote%20name.bin"), "--ftp-create-dirs"));
    assertArrayEquals(data, Files.readAllBytes(home().resolve("dir/remote name.bin")));
    Path back = Files.write(temp.resolve("back"), Arrays.copyOf(data, 1_000_000));
    curl(with(ways, "-C", "-", "-o", back.toString(), url("dir/remote%20name.bin")));
    assertArrayEquals(data, Files.readAllBytes(back));
    Files.write(home().resolve("dir/part"), Arrays.copyOf(data, 1_000_000));
    curl(with(ways, "-C", "-", "-T", local.toString(), url("dir/part")));
    assertArrayEquals(data, Files.readAllBytes(home().resolve("dir/part")));
    curl(with(ways, "--append", "-T", local.toString(), url("dir/part")));
    assertEquals(2L * SIZE, Files.size(home().resolve("dir/part")));
    ClientRun listing = run(curlLine(with(ways, url("dir/"))));
    assertTrue(listing.output().contains(" remote name.bin"), listing.output());
    ClientRun range = run(curlLine(with(ways, "-r", "10-19", "-o", back.toString(), url("dir/part"))));
    assertEquals(0, range.status(), range.output());
    assertArrayEquals(Arrays.copyOfRange(data, 10, 20), Files.readAllBytes(back));
    curl(with(ways, url(""), "-Q", "RNFR dir/part", "-Q", "RNTO dir/other", "-Q", "DELE dir/other"));
    curl(with(ways, "-I", url("dir/remote%20name.bin")));
  }

  private static String[] with(String[] first, String... rest) {
    String[] all = Arrays.copyOf(first, first.length + rest.length);
    System.arraycopy(rest, 0, all, first.length, rest.length);
    return all;
  }

  @Test
  void lftp_everydayCommandsAndOddNames() throws Exception {
    byte[] data = random(SIZE);
    Files.write(temp.resolve("local"), data);
    lftpOk("mkdir d", "cd d", "put local -o remote", "mv remote moved", "get moved -o back", "cls -l", "chmod 600 moved",
        "mkdir sub", "rmdir sub", "cd ..", "du", "find");
    assertArrayEquals(data, Files.readAllBytes(temp.resolve("back")));
    assertEquals("rw-------", java.nio.file.attribute.PosixFilePermissions.toString(
        Files.getPosixFilePermissions(home().resolve("d/moved"))));
    lftpOk("rm d/moved", "rmdir d");
    assertEquals(List.of(), homeEntries());
  }

  @Test
  void lftp_mirrorsBothWays_inParallel_withOddNames() throws Exception {
    Path tree = Files.createDirectories(temp.resolve("tree/sub"));
    int number = 0;
    for (String name : new String[] {"plain", "two words", " lead", "trail ", "quote\"s", "it's", "-dash", "\u00e4\u6f22", "star*?",
        "x".repeat(255), "back\\slash", "#hash", "%41", ".hidden"}) {
      Files.write(tree.resolve(name), random(1000 * number++));
    }
    for (int i = 0; i < 100; i++) {
      Files.write(tree.getParent().resolve("small-" + i), random(i));
    }
    lftpOk("mirror -R -P 8 tree up");
    assertTreesEqual(temp.resolve("tree"), home().resolve("up"));
    lftpOk("mirror -P 8 up down");
    assertTreesEqual(temp.resolve("tree"), temp.resolve("down"));
    assertEquals(Files.getLastModifiedTime(tree.resolve("plain")).toInstant().getEpochSecond(),
        Files.getLastModifiedTime(home().resolve("up/sub/plain")).toInstant().getEpochSecond(), "MFMT");
  }

  private static void assertTreesEqual(Path one, Path other) throws Exception {
    try (var walk = Files.walk(one)) {
      for (Path path : walk.toList()) {
        Path same = other.resolve(one.relativize(path).toString());
        assertEquals(Files.isDirectory(path), Files.isDirectory(same), same.toString());
        if (!Files.isDirectory(path)) {
          assertArrayEquals(Files.readAllBytes(path), Files.readAllBytes(same), same.toString());
        }
      }
    }
    try (var left = Files.walk(one); var right = Files.walk(other)) {
      assertEquals(left.count(), right.count());
    }
  }

  @Test
  void lftp_killedInMidUpload_resumes() throws Exception {
    Path local = temp.resolve("local");
    try (RandomAccessFile file = new RandomAccessFile(local.toFile(), "rw")) {
      file.setLength(60_000_000);
      file.write(random(SIZE));
    }
    Process client = start("lftp", "--norc", "-c", "set ftp:ssl-allow no; set net:limit-rate 0:20000000; open -u ann,'" + PASSWORD
        + "' ftp://127.0.0.1:" + port + "; put local -o remote");
    Awaitility.await().until(() -> !Files.exists(home()) ? false : homeEntries().stream()
        .anyMatch(name -> home().resolve(name).toFile().length() > 8_000_000));
    client.destroyForcibly().waitFor();
    Awaitility.await().until(() -> events(ClientEvent.TransferFinished.class).size() == 1);
    assertEquals(ClientEvent.Outcome.BROKEN, events(ClientEvent.TransferFinished.class).getFirst().outcome());
    assertTrue(Files.notExists(home().resolve("remote")), "a partial is no file");
    lftpOk("put -c local -o remote");
    assertEquals(-1, Files.mismatch(local, home().resolve("remote")));
    assertTrue(events(ClientEvent.TransferFinished.class).getLast().resumeOffset().orElse(0) >= 8_000_000);
  }

  @Test
  void ftplib_doesWhatItCan() throws Exception {
    Files.writeString(temp.resolve("script.py"), """
        import ftplib, hashlib, io, sys
        ftp = ftplib.FTP()
        ftp.connect('127.0.0.1', int(sys.argv[1]), timeout=20)
        ftp.login('ann', sys.argv[2])
        data = bytes(range(256)) * 4000
        assert ftp.mkd('d "x"') == '/d "x"'
        ftp.cwd('d "x"')
        assert ftp.pwd() == '/d "x"'
        ftp.storbinary('STOR a', io.BytesIO(data))
        assert ftp.size('a') == len(data)
        out = io.BytesIO()
        ftp.retrbinary('RETR a', out.write, rest=1000)
        assert out.getvalue() == data[1000:]
        ftp.storlines('STOR t', io.BytesIO(b'one\\r\\ntwo\\r\\n'))
        lines = []
        ftp.retrlines('RETR t', lines.append)
        assert lines == ['one', 'two'], lines
        assert sorted(ftp.nlst()) == ['a', 't'], ftp.nlst()
        assert [f['type'] for n, f in ftp.mlsd(facts=['type']) if n == 'a'] == ['file']
        lines = []
        ftp.dir(lines.append)
        assert len(lines) == 2, lines
        ftp.sendcmd('TYPE I')
        conn = ftp.transfercmd('RETR a')
        conn.recv(100)
        try:
            print(ftp.abort())
        except ftplib.Error as e:
            print(e)
        conn.close()
        try:
            print(ftp.getresp())
        except ftplib.Error as e:
            print(e)
        ftp.set_pasv(False)
        out = io.BytesIO()
        ftp.retrbinary('RETR a', out.write)
        assert out.getvalue() == data
        ftp.rename('a', 'b')
        ftp.delete('b')
        ftp.delete('t')
        ftp.cwd('..')
        ftp.rmd('d "x"')
        ftp.quit()
        """);
    runOk("python3", "script.py", Integer.toString(port), PASSWORD);
  }
}
