package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Our keys are ssh-keygen's, and the other way round. */
class HostKeyGeneratorTest {
  @TempDir Path temp;

  @ParameterizedTest
  @EnumSource
  void generated_isReadByOpenSsh(HostKeyGenerator.Algorithm algorithm) throws Exception {
    HostKeyGenerator.HostKeyText key = HostKeyGenerator.generate(algorithm);
    Path file = Files.writeString(temp.resolve("key"), key.privateKey());
    Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
    assertTrue(keygen("-y", "-f", file.toString()).startsWith(key.publicKey()), "the same public key");
    assertTrue(keygen("-l", "-f", file.toString()).contains(key.fingerprint()));
    assertEquals(key.fingerprint(), HostKeyGenerator.fingerprint(HostKeyGenerator.read(key.privateKey())));
    assertFalse(key.toString().contains("PRIVATE"));
  }

  @ParameterizedTest
  @ValueSource(strings = {"-t ed25519", "-t ecdsa -b 256", "-t ecdsa -b 384 -m PEM", "-t ecdsa -b 521 -m PKCS8",
      "-t rsa -b 3072", "-t rsa -b 2048 -m PEM", "-t rsa -b 2048 -m PKCS8"})
  void keysOfOpenSsh_areRead(String options) throws Exception {
    Path file = temp.resolve("key");
    List<String> arguments = new ArrayList<>(List.of(options.split(" ")));
    arguments.addAll(List.of("-q", "-N", "", "-f", file.toString()));
    keygen(arguments.toArray(String[]::new));
    String fingerprint = HostKeyGenerator.fingerprint(HostKeyGenerator.read(Files.readString(file)));
    assertTrue(keygen("-l", "-f", file.toString()).contains(fingerprint));
  }

  @Test
  void unusableText_isExplainedAndNeverQuoted() throws Exception {
    keygen("-t", "rsa", "-b", "1024", "-q", "-N", "", "-f", temp.resolve("short").toString());
    keygen("-t", "ed25519", "-q", "-N", "passphrase", "-f", temp.resolve("locked").toString());
    for (String text : new String[] {"", "nonsense", "x".repeat(100_000), Files.readString(temp.resolve("short")),
        Files.readString(temp.resolve("locked")), "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n"}) {
      IllegalArgumentException e = assertThrows(IllegalArgumentException.class, () -> HostKeyGenerator.read(text));
      assertTrue(e.getMessage().contains("key") && e.getMessage().length() < 200, e.getMessage());
    }
    assertThrows(IllegalArgumentException.class, () -> HostKeyGenerator.Algorithm.of("dsa"));
  }

  private static String keygen(String... arguments) throws Exception {
    List<String> line = new ArrayList<>(List.of("ssh-keygen"));
    line.addAll(List.of(arguments));
    Process process = new ProcessBuilder(line).redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    assertEquals(0, process.exitValue(), output);
    return output;
  }
}
