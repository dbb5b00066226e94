package io.flotilla.config.cluster;

import io.flotilla.config.model.ConfigEditor;
import io.flotilla.config.model.Operation;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Collects the parts of large changes. Bounded in uploads, operations and time; confined to its actor. */
final class PendingUploads {
  private static final int MAX_UPLOADS = 16;
  private static final long MAX_BYTES = 192L << 20;
  private static final long MAX_AGE_NANOS = 30_000_000_000L;

  sealed interface Result {}

  record Incomplete() implements Result {}

  record Complete(List<Operation> operations) implements Result {}

  record Rejected(String detail) implements Result {}

  /** It will never be taken. */
  record TooLarge(String detail) implements Result {}

  private static final class Upload {
    private final List<Operation> operations = new ArrayList<>();
    private int nextPart;
    private long bytes;
    private long touchedNanos;
  }

  private final Map<String, Upload> uploads = new LinkedHashMap<>();
  private long bytes;

  Result add(ConfigPrimary.SubmitChange submit, long now) {
    if (submit.part() == 0 && submit.last()) {
      return new Complete(submit.operations());
    }
    if (submit.part() == 0) {
      remove(submit.id());
      if (uploads.size() >= MAX_UPLOADS) {
        return new Rejected("the primary is receiving " + MAX_UPLOADS + " large changes already; try again shortly");
      }
      uploads.put(submit.id(), new Upload());
    }
    Upload upload = uploads.get(submit.id());
    if (upload == null || upload.nextPart != submit.part()) {
      remove(submit.id());
      return new Rejected("the parts of this change did not reach the primary in order; send it again");
    }
    int added = submit.operations().stream().mapToInt(Operation::size).sum();
    upload.operations.addAll(submit.operations());
    upload.nextPart++;
    upload.bytes += added;
    upload.touchedNanos = now;
    bytes += added;
    if (upload.bytes > ConfigEditor.MAX_CHANGE_BYTES || upload.operations.size() > ConfigEditor.MAX_OPERATIONS) {
      remove(submit.id());
      return new TooLarge("the change is too large: it may have " + ConfigEditor.MAX_OPERATIONS + " operations and "
          + (ConfigEditor.MAX_CHANGE_BYTES >> 20) + " MiB; split it");
    }
    if (bytes > MAX_BYTES) {
      remove(submit.id());
      return new Rejected("the primary is receiving other large changes; try again when they are through");
    }
    if (submit.last()) {
      remove(submit.id());
      return new Complete(List.copyOf(upload.operations));
    }
    return new Incomplete();
  }

  void expire(long now) {
    List<String> old = uploads.entrySet().stream()
        .filter(entry -> now - entry.getValue().touchedNanos > MAX_AGE_NANOS).map(Map.Entry::getKey).toList();
    old.forEach(this::remove);
  }

  private void remove(String id) {
    Upload gone = uploads.remove(id);
    if (gone != null) {
      bytes -= gone.bytes;
    }
  }
}
