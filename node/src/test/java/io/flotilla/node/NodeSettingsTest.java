package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.typesafe.config.ConfigFactory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NodeSettingsTest {
  private static final Set<String> ALL = Set.of("gateway", "primary", "voter");

  @Test
  void packagedFile_isComplete_andRaftFollowsRemoting() {
    NodeSettings settings = read(Map.of(), false);

    assertEquals("node-1", settings.name());
    assertEquals(new HostPort("127.0.0.1", 20001), settings.bind());
    assertEquals(20002, settings.raftPort());
    assertEquals(1024, settings.httpLeastRate());
    assertEquals(Set.of("port"), settings.config().getConfig("flotilla.raft").root().keySet(), "a node reads no other");
    assertEquals(ALL, settings.roles());
  }

  @Test
  void roles_withoutBeingNamed_comeFromTheSeedNodes() {
    Map<String, Object> member = Map.of("flotilla.seed-nodes", List.of("10.0.0.1:1", "127.0.0.1:20001"));
    Map<String, Object> other = Map.of("flotilla.seed-nodes", List.of("10.0.0.1:1"));

    assertEquals(ALL, read(member, false).roles());
    assertEquals(Set.of("gateway"), read(other, false).roles());
    assertEquals(ALL, read(other, true).roles());
    assertTrue(!read(other, false).mayForm());
  }

  @ParameterizedTest
  @CsvSource({"flotilla.bind,nowhere", "flotilla.bind,host:0", "flotilla.bind,host:70000", "flotilla.name,a/b",
      "flotilla.admin.address,:1", "flotilla.drain-deadline,soon", "flotilla.raft.port,many", "flotilla.cluster-tls,maybe",
      "flotilla.bind,host:65534"})
  void badValue_isNamed(String path, String value) {
    NodeSettings.InvalidSettingException refused =
        assertThrows(NodeSettings.InvalidSettingException.class, () -> read(Map.of(path, value), false));

    assertTrue(refused.getMessage().contains(path.substring(path.lastIndexOf('.') + 1)), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"127.0.0.1:1,auto,false", "127.3.2.1:1,auto,false", "[::1]:1,auto,false", "10.0.0.1:1,auto,true", "0.0.0.0:1,auto,true",
      "nowhere.invalid:1,auto,true", "127.0.0.1:1,on,true", "10.0.0.1:1,off,false", "127.0.0.1:1,true,true", "10.0.0.1:1,false,false"})
  void clusterTls_isOnBeyondLoopback_unlessItIsSaid(String bind, String value, boolean isOn) {
    assertEquals(isOn, read(Map.of("flotilla.bind", bind, "flotilla.cluster-tls", value), false).clusterTls());
  }

  @Test
  void settingsOfThePackages_letNobodyElseOnTheMachineSpeakAsANode() {
    NodeSettings settings = NodeSettings.read(Optional.of(Path.of("src", "dist", "node.conf")), ConfigFactory.empty(), false, Optional.empty());

    assertTrue(settings.bind().host().startsWith("127.") && settings.clusterTls(), "on loopback it would be off by itself");
  }

  @Test
  void unknownRole_isRefused() {
    assertThrows(NodeSettings.InvalidSettingException.class,
        () -> read(Map.of("flotilla.roles", List.of("gateway", "captain")), false));
  }

  @Test
  void journalInPostgresql_isChosenByASetting_andHasNoVoters() {
    NodeSettings settings = read(Map.of("flotilla.journal.engine", "postgresql",
        "flotilla.journal.postgresql.url", "jdbc:postgresql://db/flotilla?password=secret"), false);

    assertEquals(Set.of("gateway", "primary"), settings.roles());
    assertEquals("jdbc:postgresql://db/flotilla as flotilla", settings.database().orElseThrow().toString());
    assertTrue(read(Map.of(), false).database().isEmpty());
  }

  @ParameterizedTest
  @CsvSource({"flotilla.journal.engine,mysql", "flotilla.journal.postgresql.url,http://db",
      "flotilla.journal.postgresql.url,jdbc:postgresql://db:port/x", "flotilla.journal.postgresql.url,jdbc:postgresql://db:99999/x",
      "flotilla.journal.postgresql.url,jdbc:postgresql://db/x?logServerErrorDetail=true", "flotilla.roles.0,voter",
      "flotilla.journal.postgresql.pool-size,1"})
  void badJournal_isNamed(String path, String value) {
    Map<String, Object> values = new HashMap<>(Map.of("flotilla.journal.engine", "postgresql"));
    values.put(path, value);

    NodeSettings.InvalidSettingException refused =
        assertThrows(NodeSettings.InvalidSettingException.class, () -> read(values, false));

    assertTrue(refused.getMessage().contains(path.replace(".0", "")), refused.getMessage());
  }

  @ParameterizedTest
  @CsvSource({"flotilla.primary.snapshot-every,0", "flotilla.http.least-rate,2G", "flotilla.primary.snapshot-every,3000000000",
      "flotilla.primary.snapshot-bytes,1000", "flotilla.primary.snapshot-bytes,2GiB"})
  void numberOutOfItsBounds_isNamed(String path, String value) {
    NodeSettings.InvalidSettingException refused =
        assertThrows(NodeSettings.InvalidSettingException.class, () -> read(Map.of(path, value), false));

    assertTrue(refused.getMessage().startsWith(path + " must be "), refused.getMessage());
  }

  @Test
  void commandLine_winsOverTheFile(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("application.conf"),
        "flotilla { name = from-file, drain-deadline = 7s }");

    NodeSettings settings = NodeSettings.read(Optional.of(file),
        ConfigFactory.parseMap(Map.of("flotilla.name", "from-line")), false, Optional.empty());

    assertEquals("from-line", settings.name());
    assertEquals(7, settings.drainDeadline().toSeconds());
  }

  @Test
  void ipv6_isWrittenInBrackets() {
    assertEquals("[::1]:5", HostPort.parse("x", "[::1]:5").toString());
  }

  private static NodeSettings read(Map<String, Object> values, boolean form) {
    return NodeSettings.read(Optional.empty(), ConfigFactory.parseMap(values), form, Optional.empty());
  }
}
