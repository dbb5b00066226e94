package io.flotilla.sftp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.adapter.TestConfiguration;
import io.flotilla.config.model.Kind;
import io.flotilla.vfs.StorageDirectories;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StorageDirectoriesTest {
  @TempDir private Path directory;
  private final TestConfiguration config = new TestConfiguration();
  private final StorageDirectories storages = new StorageDirectories(List::of);

  @Test
  void missingDirectory_isAProblemUntilItIsThere_andIsNeverMade() throws IOException {
    Path missing = directory.resolve("n1/files");
    config.put(Kind.STORAGES, "main", json -> json.put("path", directory.resolve("${node}/files").toString()));

    List<String> expected = List.of("storage main: the directory " + missing + " does not exist; create or mount it, or "
        + "correct the path (a node override can give this node another one)");
    assertEquals(expected, config.check(storages));
    assertEquals(expected, config.commit(storages));
    assertFalse(Files.exists(missing));

    Files.createDirectories(missing);
    assertEquals(List.of(), config.commit(storages));
  }

  @Test
  void check_judgesOnlyStoragesWhoseDirectoryChanges() throws IOException {
    config.put(Kind.STORAGES, "gone", json -> json.put("path", directory.resolve("gone").toString()));
    config.commit(storages);
    config.put(Kind.STORAGES, "here", json -> json.put("path", directory.toString()));

    assertEquals(List.of(), config.check(storages));
    config.put(Kind.NODES, "n1", json ->
        json.putObject("storages").putObject("here").put("path", directory.resolve("elsewhere").toString()));
    assertEquals(1, config.check(storages).size());
  }

  @Test
  void missingMarker_isAnObjectionAndAProblem_untilItIsThere() throws IOException {
    config.put(Kind.STORAGES, "main", json -> json.put("path", directory.toString()));
    assertEquals(List.of(), config.commit(storages));
    config.change(Kind.STORAGES, "main", json -> json.put("guard", ".here"));

    List<String> expected = List.of("storage main: its marker file '.here' is not in " + directory + ", so it may be unmounted, "
        + "or another file system be mounted there; nothing in it is served; mount the right one, or create the file in it");
    assertEquals(expected, config.check(storages));
    assertEquals(expected, config.commit(storages));
    Files.createFile(directory.resolve(".here"));
    assertEquals(List.of(), config.commit(storages));
  }

  @Test
  void markerThatGoesWhileServing_isNoticed() throws IOException {
    Path marker = Files.createFile(directory.resolve(".here"));
    config.put(Kind.STORAGES, "main", json -> json.put("path", directory.toString()).put("guard", ".here"));
    assertEquals(List.of(), config.commit(storages));

    Files.delete(marker);
    assertTrue(storages.isWatchful());
    Awaitility.await().until(() -> config.commit(storages).size() == 1);
    Files.createFile(marker);
    assertEquals(List.of(), config.commit(storages));
  }

  @Test
  void storageThatDoesNotAnswerItsUsers_isAProblemBesideTheOthers() {
    StorageDirectories told = new StorageDirectories(() -> List.of("storage nas does not answer"));
    config.put(Kind.STORAGES, "main", json -> json.put("path", directory.resolve("gone").toString()));
    List<String> problems = config.commit(told);
    assertEquals(2, problems.size());
    assertEquals("storage nas does not answer", problems.getLast());
  }
}
