package io.flotilla.sftp;
import java.nio.file.Files;
import java.util.List;
import org.junit.jupiter.api.Test;
class ScratchSpeedTest extends SftpFixture {
  @Test void speed() throws Exception {
    byte[] mb = new byte[1 << 20];
    new java.util.Random(1).nextBytes(mb);
    try (var out = Files.newOutputStream(temp.resolve("big"))) { for (int i = 0; i < 1024; i++) out.write(mb); }
    for (int i = 0; i < 2; i++) {
      time("scp put", () -> scpOk("big", "HOST:a"));
      time("sftp put", () -> sftpOk("put big b"));
      time("scp get", () -> scpOk("HOST:a", "back"));
      time("sftp get", () -> sftpOk("get b back"));
    }
  }
  interface Run { void run() throws Exception; }
  static void time(String what, Run run) throws Exception {
    long t = System.nanoTime(); run.run();
    System.err.println("SPEED " + what + " " + (System.nanoTime() - t) / 1_000_000 + " ms");
  }
}
