package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the Debian package does when it is installed. All that would change the machine is put in place of. */
class PackageScriptTest {
  @TempDir private Path directory;

  private record Run(int status, String output) {}

  /** With nothing to be found as a command but these, each of which says its name. */
  private Run configure(String versionBefore, String failing) throws Exception {
    Path commands = Files.createTempDirectory(directory, "bin");
    for (String command : new String[] {"getent", "adduser", "chown", "chmod", "install", "runuser", "systemctl"}) {
      Path file = Files.writeString(commands.resolve(command), "#!/bin/sh\necho " + command + "\nexit " + (command.equals(failing) ? 1 : 0) + "\n");
      assertTrue(file.toFile().setExecutable(true));
    }
    Path output = directory.resolve("output");
    ProcessBuilder builder = new ProcessBuilder("/bin/sh", "src/dist/debian/postinst", "configure", versionBefore)
        .redirectErrorStream(true).redirectOutput(output.toFile());
    builder.environment().put("PATH", commands.toString());
    Process process = builder.start();
    assertTrue(process.waitFor(60, TimeUnit.SECONDS));
    return new Run(process.exitValue(), Files.readString(output));
  }

  /** The data of an earlier installation is kept, and its user may have had another id. */
  @Test
  void dataThatTheUserCannotUse_leavesThePackageConfigured_andIsTold() throws Exception {
    Run first = configure("", "runuser");
    assertEquals(0, first.status(), first.output());
    assertTrue(first.output().contains("chown -hR flotilla:flotilla /var/lib/flotilla") && first.output().contains("Flotilla is installed"), first.output());
    assertFalse(configure("", "none").output().contains("can't use"));
  }

  @Test
  void upgrade_leavesTheUsersFilesAlone() throws Exception {
    Run upgrade = configure("0.9", "runuser");
    assertEquals(0, upgrade.status(), upgrade.output());
    assertFalse(upgrade.output().contains("runuser"), upgrade.output());
  }
}
