package io.flotilla.config.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.config.model.SecretSealer.SealedWithAnotherKeyException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SecretSealerTest {
  private static final EntityKey ALICE = EntityKey.of(Kind.USERS, "alice");
  private final ClusterKey key = ClusterKey.generate();
  private final SecretSealer sealer = new SecretSealer(key);

  @Test
  void open_whatWasSealed_givesItBack_andEachSealDiffers() {
    String sealed = sealer.seal(ALICE, "passwordHash", "hush");

    assertEquals("hush", sealer.open(ALICE, "passwordHash", sealed));
    assertNotEquals(sealed, sealer.seal(ALICE, "passwordHash", "hush"));
    assertFalse(sealed.contains("hush"));
  }

  @Test
  void open_forAnotherEntityOrField_isRefused() {
    String sealed = sealer.seal(ALICE, "passwordHash", "hush");

    assertThrows(SealedWithAnotherKeyException.class,
        () -> sealer.open(EntityKey.of(Kind.USERS, "bob"), "passwordHash", sealed));
    assertThrows(SealedWithAnotherKeyException.class, () -> sealer.open(ALICE, "token", sealed));
  }

  @Test
  void open_withAnotherKey_saysWhichKeyIsNeeded() {
    String sealed = sealer.seal(ALICE, "passwordHash", "hush");

    SealedWithAnotherKeyException refused = assertThrows(SealedWithAnotherKeyException.class,
        () -> new SecretSealer(ClusterKey.generate()).open(ALICE, "passwordHash", sealed));

    assertTrue(refused.getMessage().contains(key.id()), refused.getMessage());
  }

  @Test
  void keyFile_isPrivate_andReadBack(@TempDir Path directory) throws IOException {
    Path file = directory.resolve("cluster.key");
    key.writeTo(file);

    assertEquals(key, ClusterKey.read(file));
    assertEquals("rw-------", PosixFilePermissions.toString(Files.getPosixFilePermissions(file)));
  }

  @Test
  void keyFile_damaged_isExplained(@TempDir Path directory) throws IOException {
    Path file = Files.writeString(directory.resolve("cluster.key"), "c2hvcnQ=");

    assertTrue(assertThrows(IOException.class, () -> ClusterKey.read(file)).getMessage().contains("5 bytes"));
  }
}
