package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.typesafe.config.ConfigFactory;
import io.flotilla.adapter.LiveConnections;
import io.flotilla.claim.ClaimClient;
import io.flotilla.config.cluster.ConfigClient;
import io.flotilla.config.model.ClusterKey;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.SecretSealer;
import io.flotilla.config.view.BootCache;
import io.flotilla.config.view.LiveConfig;
import io.flotilla.config.view.NodeIdentity;
import io.flotilla.http.dav.Locks;
import io.flotilla.node.DataDirectory;
import io.flotilla.node.NodeSettings;
import io.flotilla.vfs.UserHomes;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ControlPlaneTest {
  private final ClusterKey key = ClusterKey.generate();
  private final EntityCodec codec = new EntityCodec(new SecretSealer(key));

  @TempDir private Path directory;

  @Test
  void openingThatFailsInAnyWay_isTriedAgain() throws Exception {
    AtomicInteger tries = new AtomicInteger();
    CompletableFuture<String> refused = new CompletableFuture<>();
    ControlPlane.Opener opener = answer -> {
      switch (tries.incrementAndGet()) {
        case 1 -> throw new IOException("the disk is full");
        case 2 -> throw new IllegalStateException("nobody thought of this");
        default -> throw new ClusterRefusedException("it was tried again");
      }
    };
    NodeSettings settings =
        NodeSettings.read(Optional.empty(), ConfigFactory.empty(), false, Optional.empty());
    try (DataDirectory data = DataDirectory.open(directory.resolve("data"));
        LiveConfig live = new LiveConfig(new NodeIdentity(data.nodeId(), "node-1", "127.0.0.1", settings.roles()),
            new BootCache(data.bootCacheFile(), codec))) {
      // It never comes to a clustered actor system, so nothing is told of one.
      ControlPlane plane = new ControlPlane(settings, opener, data, key, Optional.empty(), live, codec, new ConfigClient(), new ClaimClient(),
          new DataPlane(new LiveConnections(Clock.systemUTC()), new UserHomes(), null, new Locks(System::nanoTime), new MemberLocks(), new NoNode()), null,
          null, refused::complete);
      plane.start();

      assertEquals("it was tried again", refused.get(60, TimeUnit.SECONDS));
      assertEquals(3, tries.get());
      plane.stop();
    }
  }
}
