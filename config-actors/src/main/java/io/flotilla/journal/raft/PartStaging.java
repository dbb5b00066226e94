package io.flotilla.journal.raft;

import io.flotilla.journal.raft.JournalCommand.Part;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.UUID;

/**
 * Commands that have arrived in part. What a dead writer left unfinished is dropped when room is needed, oldest first in the
 * order of the log, so that all voters drop the same.
 */
final class PartStaging {
    /** These bounds are part of the state machine: voters with different ones would disagree. */
    static final int MAX_UPLOADS = 64;
    static final long MAX_BYTES = 128L * 1024 * 1024;

    /** What became of a part. */
    sealed interface Staged {}

    /** It was the last one. */
    record Complete(JournalCommand command) implements Staged {}

    /** The command isn't complete, or never will be. */
    record Answered(JournalReply reply) implements Staged {}

    private static final class Upload {
        private final int count;
        private final List<Bytes> parts = new ArrayList<>();
        private long bytes;

        Upload(int count) {
            this.count = count;
        }
    }

    /** In the order in which the uploads began. */
    private final Map<UUID, Upload> uploads = new LinkedHashMap<>();
    private long stagedBytes;

    Staged add(Part part) {
        Upload upload = uploads.get(part.uploadId());
        if (upload == null && part.index() == 0 && part.count() > 0) {
            while (uploads.size() >= MAX_UPLOADS) {
                dropOldest();
            }
            upload = new Upload(part.count());
            uploads.put(part.uploadId(), upload);
        }
        if (upload == null || part.count() != upload.count || part.index() > upload.parts.size()) {
            return refused("Part " + part.index() + " of " + part.count()
                    + " doesn't continue a command: its earlier parts were dropped, or it was already executed");
        }
        if (part.index() < upload.parts.size()) {
            return new Answered(new JournalReply.PartStored(upload.parts.size()));
        }
        upload.parts.add(part.bytes());
        upload.bytes += part.bytes().size();
        stagedBytes += part.bytes().size();
        if (upload.parts.size() == upload.count) {
            drop(part.uploadId());
            return assemble(upload);
        }
        while (stagedBytes > MAX_BYTES && !uploads.keySet().iterator().next().equals(part.uploadId())) {
            dropOldest();
        }
        if (stagedBytes > MAX_BYTES) {
            drop(part.uploadId());
            return refused("A command of more than " + MAX_BYTES + " bytes is too large for the journal");
        }
        return new Answered(new JournalReply.PartStored(upload.parts.size()));
    }

    private static Staged refused(String reason) {
        return new Answered(new JournalReply.Refused(reason));
    }

    private static Staged assemble(Upload upload) {
        // A large command is not to be in memory twice: its parts go while they are read.
        Queue<Bytes> parts = new ArrayDeque<>(upload.parts);
        upload.parts.clear();
        try {
            return new Complete(JournalCodec.decodeCommand(parts, Math.toIntExact(upload.bytes)));
        } catch (NewerFormatException e) {
            throw new UncheckedIOException(e);
        } catch (JournalFormatException e) {
            return refused(e.getMessage());
        }
    }

    private void dropOldest() {
        Iterator<UUID> oldest = uploads.keySet().iterator();
        drop(oldest.next());
    }

    private void drop(UUID id) {
        stagedBytes -= uploads.remove(id).bytes;
    }

    void writeTo(WireWriter out) throws IOException {
        out.number(uploads.size());
        for (Map.Entry<UUID, Upload> upload : uploads.entrySet()) {
            out.uuid(upload.getKey());
            out.number(upload.getValue().count);
            out.list(upload.getValue().parts, out::bytes);
        }
    }

    void readFrom(WireReader in) throws IOException {
        int size = in.count();
        for (int i = 0; i < size; i++) {
            UUID id = in.uuid();
            Upload upload = new Upload(in.count());
            upload.parts.addAll(in.list(in::bytes));
            upload.bytes = upload.parts.stream().mapToLong(Bytes::size).sum();
            stagedBytes += upload.bytes;
            uploads.put(id, upload);
        }
    }
}
