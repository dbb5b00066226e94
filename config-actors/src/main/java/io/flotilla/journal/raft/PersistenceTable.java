package io.flotilla.journal.raft;

import io.flotilla.journal.StoredJournal;
import io.flotilla.journal.raft.JournalCommand.Append;
import io.flotilla.journal.raft.JournalCommand.Entry;
import io.flotilla.journal.raft.JournalCommand.SaveSnapshot;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;
import java.util.UUID;

/**
 * The journal of one persistence id behind its fence.
 *
 * <p>The fence is the pair (epoch, highest number). An append is accepted only under the current epoch and only if it knows the
 * highest number, so of two writers that overlap at most one can write, whatever each believes. An exact repeat of the last
 * append gets the first answer again, because the writer may not have seen it. Deleting events never lowers the highest number.
 */
final class PersistenceTable {
    /** A page is closed by the entry that reaches this, so that a reply fits a message and a slow reader holds little. */
    static final int PAGE_BYTES = 1024 * 1024;
    /** A longer event is read in parts: a page of others and one such event fit into a message between voters. */
    static final int LONG_EVENT_BYTES = 2 * PAGE_BYTES;
    private static final UUID NOBODY = new UUID(0, 0);

    private record SnapshotKey(long sequenceNr, long timestamp) {
        static final Comparator<SnapshotKey> ORDER =
                Comparator.comparingLong(SnapshotKey::sequenceNr).thenComparingLong(SnapshotKey::timestamp);
    }

    private final String persistenceId;
    private long epoch;
    private UUID claimant = NOBODY;
    private long highest;
    /** SHA-256 of the last append, empty before the first. */
    private Bytes lastAppend = Bytes.EMPTY;
    private final NavigableMap<Long, Bytes> entries = new TreeMap<>();
    private final NavigableMap<SnapshotKey, Bytes> snapshots = new TreeMap<>(SnapshotKey.ORDER);
    private long entryBytes;
    private long snapshotBytes;

    PersistenceTable(String persistenceId) {
        this.persistenceId = persistenceId;
    }

    String persistenceId() {
        return persistenceId;
    }

    long highest() {
        return highest;
    }

    JournalReply claim(UUID by) {
        if (!claimant.equals(by)) {
            claimant = by;
            epoch++;
        }
        return new JournalReply.EpochClaimed(epoch, highest);
    }

    JournalReply append(Append append) {
        Bytes digest = digest(append);
        if (digest.equals(lastAppend)) {
            return new JournalReply.Appended(highest);
        }
        if (append.epoch() != epoch) {
            return fencedOut(append.epoch());
        }
        if (append.previousHighest() != highest) {
            return new JournalReply.Fenced("The writer of " + persistenceId + " believes the highest number is "
                    + append.previousHighest() + ", but it is " + highest);
        }
        long last = highest;
        for (Entry entry : append.entries()) {
            if (entry.sequenceNr() <= last) {
                return new JournalReply.Fenced("Event " + entry.sequenceNr() + " of " + persistenceId + " doesn't come after " + last);
            }
            last = entry.sequenceNr();
        }
        append.entries().forEach(entry -> add(entry.sequenceNr(), entry.bytes()));
        highest = last;
        lastAppend = digest;
        return new JournalReply.Appended(highest);
    }

    /** Runs a change if its epoch is the current one. */
    JournalReply fenced(JournalCommand.Fenced command, Runnable change) {
        if (command.epoch() != epoch) {
            return fencedOut(command.epoch());
        }
        change.run();
        return new JournalReply.Done();
    }

    private JournalReply fencedOut(long claimed) {
        return new JournalReply.Fenced("Another writer has claimed " + persistenceId + " (epoch " + epoch + ", this writer has "
                + claimed + ")");
    }

    private void add(long sequenceNr, Bytes event) {
        entries.put(sequenceNr, event);
        entryBytes += event.size();
    }

    void deleteTo(long toSequenceNr) {
        NavigableMap<Long, Bytes> deleted = entries.headMap(toSequenceNr, true);
        entryBytes -= deleted.values().stream().mapToLong(Bytes::size).sum();
        deleted.clear();
    }

    void saveSnapshot(SaveSnapshot snapshot) {
        add(new SnapshotKey(snapshot.sequenceNr(), snapshot.timestamp()), snapshot.bytes());
    }

    private void add(SnapshotKey key, Bytes snapshot) {
        Bytes replaced = snapshots.put(key, snapshot);
        snapshotBytes += snapshot.size() - (replaced == null ? 0 : replaced.size());
    }

    void deleteSnapshots(SnapshotRange range) {
        snapshots.entrySet().removeIf(snapshot -> {
            boolean goes = range.contains(snapshot.getKey().sequenceNr(), snapshot.getKey().timestamp());
            snapshotBytes -= goes ? snapshot.getValue().size() : 0;
            return goes;
        });
    }

    StoredJournal stored() {
        Optional<StoredJournal.Snapshot> newest = Optional.ofNullable(snapshots.lastEntry()).map(snapshot ->
                new StoredJournal.Snapshot(snapshot.getKey().sequenceNr(), snapshot.getKey().timestamp(), snapshot.getValue().size()));
        return new StoredJournal(entries.size(), entryBytes, entries.isEmpty() ? highest : entries.firstKey(), highest,
                snapshots.size(), snapshotBytes, newest);
    }

    JournalReply replay(JournalQuery.Replay query) {
        List<Entry> page = new ArrayList<>();
        if (query.from() > query.to()) {
            return new JournalReply.ReplayPage(page, query.from(), true);
        }
        long bytes = 0;
        for (Map.Entry<Long, Bytes> entry : entries.subMap(query.from(), true, query.to(), true).entrySet()) {
            if (page.size() >= query.max()) {
                break;
            }
            boolean isLong = entry.getValue().size() > LONG_EVENT_BYTES;
            if (isLong && page.isEmpty()) {
                return loadEvent(entry.getKey(), 0);
            }
            if (isLong || bytes >= PAGE_BYTES) {
                return new JournalReply.ReplayPage(page, entry.getKey(), false);
            }
            page.add(new Entry(entry.getKey(), entry.getValue()));
            bytes += entry.getValue().size();
        }
        return new JournalReply.ReplayPage(page, query.to(), true);
    }

    JournalReply loadEvent(long sequenceNr, int offset) {
        Bytes event = entries.get(sequenceNr);
        if (event == null || offset > event.size()) {
            return new JournalReply.Refused("Byte " + offset + " of event " + sequenceNr + " of " + persistenceId
                    + " was asked for, but " + (event == null ? "it was deleted" : "it has " + event.size()));
        }
        int end = (int) Math.min(event.size(), (long) offset + PAGE_BYTES);
        return new JournalReply.EventPage(sequenceNr, event.size(), event.slice(offset, end));
    }

    JournalReply loadSnapshot(JournalQuery.LoadSnapshot query) {
        Optional<Map.Entry<SnapshotKey, Bytes>> newest = snapshots.descendingMap().entrySet().stream()
                .filter(snapshot -> query.range().contains(snapshot.getKey().sequenceNr(), snapshot.getKey().timestamp()))
                .findFirst();
        if (newest.isEmpty()) {
            return new JournalReply.NoSnapshot();
        }
        SnapshotKey key = newest.get().getKey();
        Bytes bytes = newest.get().getValue();
        if (query.offset() > bytes.size()) {
            return new JournalReply.Refused("Snapshot " + key + " of " + persistenceId + " has " + bytes.size() + " bytes, but byte "
                    + query.offset() + " was asked for");
        }
        int end = (int) Math.min(bytes.size(), (long) query.offset() + PAGE_BYTES);
        return new JournalReply.SnapshotPage(key.sequenceNr(), key.timestamp(), bytes.size(), bytes.slice(query.offset(), end));
    }

    /** Over the fields rather than the encoded command, so that a new encoding doesn't make voters disagree. */
    private static Bytes digest(Append append) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            ByteBuffer numbers = ByteBuffer.allocate(16);
            digest.update(numbers.putLong(append.epoch()).putLong(append.previousHighest()).flip());
            for (Entry entry : append.entries()) {
                numbers.clear();
                digest.update(numbers.putLong(entry.sequenceNr()).putLong(entry.bytes().size()).flip());
                digest.update(entry.bytes().asByteBuffer());
            }
            return Bytes.owning(digest.digest());
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
    }

    void writeTo(WireWriter out) throws IOException {
        out.text(persistenceId);
        out.number(epoch);
        out.uuid(claimant);
        out.number(highest);
        out.bytes(lastAppend);
        out.number(entries.size());
        for (Map.Entry<Long, Bytes> entry : entries.entrySet()) {
            out.number(entry.getKey());
            out.bytes(entry.getValue());
        }
        out.number(snapshots.size());
        for (Map.Entry<SnapshotKey, Bytes> snapshot : snapshots.entrySet()) {
            out.number(snapshot.getKey().sequenceNr());
            out.number(snapshot.getKey().timestamp());
            out.bytes(snapshot.getValue());
        }
    }

    static PersistenceTable readFrom(WireReader in) throws IOException {
        PersistenceTable table = new PersistenceTable(in.text());
        table.epoch = in.number();
        table.claimant = in.uuid();
        table.highest = in.number();
        table.lastAppend = in.bytes();
        int events = in.count();
        for (int i = 0; i < events; i++) {
            table.add(in.number(), in.bytes());
        }
        int snapshots = in.count();
        for (int i = 0; i < snapshots; i++) {
            table.add(new SnapshotKey(in.number(), in.number()), in.bytes());
        }
        return table;
    }
}
