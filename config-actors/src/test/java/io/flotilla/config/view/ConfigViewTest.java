package io.flotilla.config.view;

import static io.flotilla.config.model.ConfigExamples.commit;
import static io.flotilla.config.model.ConfigExamples.initial;
import static io.flotilla.config.model.ConfigExamples.put;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.flotilla.config.model.ClusterConfig;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.UUID;
import org.junit.jupiter.api.Test;

class ConfigViewTest {
  private final ClusterConfig config = commit(initial(), List.of(
      put("listeners", "ftp", "{\"protocol\":\"ftp\",\"port\":21,\"ftp\":{\"passiveAddress\":\"192.0.2.1\"}}"),
      put("nodes", "node-2", "{\"listeners\":{\"ftp\":{\"port\":2121,\"passiveAddress\":\"192.0.2.2\"}}}")));

  private ConfigView of(String node, String role) {
    return new ConfigView(config, new NodeIdentity(UUID.randomUUID(), node, "127.0.0.1", Set.of(role)));
  }

  @Test
  void listener_isOpenedWhereTheNodeSays() {
    ConfigView.OpenListener plain = of("node-1", NodeIdentity.GATEWAY).listeners().get("ftp");
    ConfigView.OpenListener overridden = of("node-2", NodeIdentity.GATEWAY).listeners().get("ftp");

    assertEquals("127.0.0.1", plain.address());
    assertEquals(21, plain.port());
    assertEquals(Optional.of("192.0.2.1"), plain.passiveAddress());
    assertEquals(2121, overridden.port());
    assertEquals(Optional.of("192.0.2.2"), overridden.passiveAddress());
    assertEquals(Optional.empty(), of("node-2", NodeIdentity.GATEWAY).listeners().get("sftp").passiveAddress());
  }

  @Test
  void nodeThatServesNoClients_opensNothing() {
    assertEquals(Set.of(), of("node-1", "voter").listeners().keySet());
  }
}
