package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The firewall in docs/operations.md lets through what the settings in deploy/ need; whoever pastes it would notice only at the next reconnect. */
class FirewallTextTest {
  /** Tests run in the directory of their module. */
  private static final Path HOME = Path.of("").toAbsolutePath().getParent();

  private static String find(String pattern, String text) {
    Matcher matcher = Pattern.compile(pattern).matcher(text);
    assertTrue(matcher.find(), pattern + " is not in\n" + text);
    return matcher.group(1);
  }

  private static boolean contains(String ports, int port) {
    return List.of(ports.split(", ")).stream().map(range -> range.split("-"))
        .anyMatch(range -> Integer.parseInt(range[0]) <= port && port <= Integer.parseInt(range[range.length - 1]));
  }

  @Test
  void portsBetweenNodes_areOpenForNodes_SyncthingsAmongThem() throws IOException {
    String operations = Files.readString(HOME.resolve("docs/operations.md"));
    String syncthing = find("<listenAddress>tcp://@ADDRESS@:(\\d+)</listenAddress>", Files.readString(HOME.resolve("deploy/local-storage/syncthing.xml")));
    int bind = Integer.parseInt(find("(?m)^ *bind = \"[0-9.]+:(\\d+)\"", Files.readString(HOME.resolve("deploy/local-storage/node-1.conf"))));
    List<String> rules = operations.lines().filter(line -> line.startsWith("        ip saddr @nodes tcp dport ")).toList();
    assertEquals(2, rules.size(), "one that accepts, and one that limits");
    for (String rule : rules) {
      String ports = find("dport \\{ ([0-9, -]+) }", rule);
      for (int port : new int[] {bind, bind + 1, bind + 2, Integer.parseInt(syncthing)}) {
        assertTrue(contains(ports, port), port + " is not in " + rule);
      }
    }
    assertEquals(2, operations.lines().filter(line -> line.startsWith("| " + syncthing)).count(), "it is in both tables of ports");
  }
}
