package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Whatever those do who have lost an upload, what counts is what its owners wrote, one after the other. */
class SegmentedUploadProperties {
  private static final int LENGTH = 1_000_000;

  enum Action { TAKE, OPEN, OPEN_CHECKED, WRITE, ACCEPT, TAKE_BACK, CLOSE, DIE, REVOKE, REMOVE }


  /** What the model knows of one who has taken it. */
  private static final class Owner {
    final SegmentWriter writer;
    final char tag;
    StringBuilder unaccepted;

    Owner(SegmentWriter writer, char tag) {
      this.writer = writer;
      this.tag = tag;
    }
  }

  @Property(tries = 300)
  void whatCounts_isWhatTheOwnersWrote(
      @ForAll @Size(min = 1, max = 40) List<@IntRange(max = 3) Integer> whos, @ForAll @Size(min = 40, max = 40) List<Action> actions)
      throws IOException {
    Path root = Files.createTempDirectory("segments");
    Files.createDirectory(root.resolve("d"));
    try (VirtualFileSystem files = new PublishingFileSystem(
        VirtualFileSystem.open(root), Links.FOLLOW, "ann\nnode", new ActiveUploads())) {
      Uploads.create(files, LENGTH, true);
      StringBuilder counted = new StringBuilder();
      List<Owner> owners = new ArrayList<>();
      for (int i = 0; i < whos.size(); i++) {
        int index = owners.size() - 1 - whos.get(i);
        if (actions.get(i) == Action.TAKE || owners.isEmpty()) {
          owners.add(new Owner(Uploads.take(files, owners.size() + 1), (char) ('a' + owners.size() % 26)));
          assertEquals(counted.length(), owners.getLast().writer.offset());
        } else if (index >= 0) {
          Owner owner = owners.get(index);
          boolean isLast = index == owners.size() - 1;
          act(owner, actions.get(i), isLast ? counted : new StringBuilder(), isLast);
        }
        assertEquals(counted.toString(), Uploads.counted(files));
      }
    } finally {
      try (Stream<Path> all = Files.walk(root)) {
        all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
      }
    }
  }

  /** @param counted what counts, if it is the last one's to change; else something that nobody looks at */
  private static void act(Owner owner, Action action, StringBuilder counted, boolean isLast) {
    try {
      switch (action) {
        case TAKE -> { }
        case OPEN, OPEN_CHECKED -> {
          if (!isOpen(owner)) {
            owner.writer.open(action == Action.OPEN_CHECKED);
            owner.unaccepted = action == Action.OPEN_CHECKED ? new StringBuilder() : null;
          }
        }
        case WRITE -> {
          String text = Character.toString(owner.tag).repeat(3);
          Uploads.write(owner.writer, text);
          (owner.unaccepted == null ? counted : owner.unaccepted).append(text);
        }
        case ACCEPT -> {
          if (owner.unaccepted != null && isOpen(owner)) {
            owner.writer.accept();
            counted.append(owner.unaccepted);
            owner.unaccepted = null;
          }
        }
        case TAKE_BACK -> {
          owner.writer.takeBack();
          owner.unaccepted = null;
        }
        case CLOSE -> {
          owner.writer.close();
          owner.unaccepted = null;
        }
        case DIE -> {
          owner.writer.abandon();
          owner.unaccepted = null;
        }
        case REVOKE -> {
          owner.writer.revoke();
          owner.unaccepted = null;
        }
        case REMOVE -> {
          if (!isLast) {
            owner.writer.remove();
          }
        }
      }
    } catch (VfsException e) {
      // Who has lost it may be told so anywhere, and who hasn't is told what he can't do.
    }
  }

  private static boolean isOpen(Owner owner) {
    try {
      owner.writer.attributes();
      return true;
    } catch (VfsException e) {
      return false;
    }
  }
}
