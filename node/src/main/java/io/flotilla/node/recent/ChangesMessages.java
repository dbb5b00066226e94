package io.flotilla.node.recent;

import io.flotilla.vfs.RecentChange;
import io.flotilla.vfs.RecentChanges.Aged;
import io.flotilla.vfs.RecentChanges.Batch;
import io.flotilla.vfs.RecentChanges.Position;
import io.flotilla.vfs.VirtualPath;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;

/** What the service of recent changes and who follows it say to each other. */
final class ChangesMessages {
  /** The service's name. Another way to say these things would be a service of another name. */
  static final String SERVICE = "recent-changes";
  /** Of one message: with paths of 4,096 bytes they are still within its bound. */
  static final int MAX_CHANGES = 200;

  /** Of a log that is not known at all; and of what is given back, where the number is how many changes are still to come. */
  static final UUID NOBODY = new UUID(0, 0);

  private ChangesMessages() {}

  /** Whether who has heard up to a position has heard nothing yet, and is to be given back what it told itself in a former life. */
  static boolean isNew(Position position) {
    return position.incarnation().equals(NOBODY);
  }

  /** From where on somebody wants to hear. */
  static Frame.Writer from(Position position) {
    return new Frame.Writer().uuid(position.incarnation()).int64(position.sequence());
  }

  static Position from(Frame.Reader message) throws IOException {
    return new Position(message.uuid(), message.int64());
  }

  /** An empty one says that all is known, and that the node is there. */
  static Frame.Writer batch(Batch batch) {
    Frame.Writer message = from(batch.position()).int16(batch.changes().size());
    for (Aged aged : batch.changes()) {
      RecentChange change = aged.change();
      Frame.Writer part = new Frame.Writer().int64(change.sequence()).int64(change.stamp()).int64(change.known())
          .int64(aged.age().toMillis()).text(change.storage()).path(change.path());
      part.int8(change.replaced().size());
      change.replaced().forEach(part::version);
      Frame.put(part, change.state()); // the last, since newer releases may know more kinds
      message.int16(part.size()).bytes(part.toBytes());
    }
    return message;
  }

  static Batch batch(Frame.Reader message) throws IOException {
    Position position = from(message);
    int count = message.int16();
    List<Aged> changes = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Frame.Reader part = message.part();
      long sequence = part.int64();
      long stamp = part.int64();
      long known = part.int64();
      Duration age = Duration.ofMillis(Math.max(0, part.int64()));
      String storage = part.text();
      VirtualPath path = part.path();
      List<RecentChange.Version> replaced = new ArrayList<>();
      for (int left = part.int8(); left > 0; left--) {
        replaced.add(part.version());
      }
      changes.add(new Aged(new RecentChange(sequence, stamp, known, storage, path, Frame.state(part), replaced), age));
    }
    return new Batch(position, changes);
  }
}
