package io.flotilla.journal.raft;

import org.apache.pekko.actor.ActorRef;
import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.persistence.PersistentRepr;

/** Events and snapshots as the journal's entries hold them. */
public final class PersistedBytes {
    private final EventCodec codec;

    public PersistedBytes(ActorSystem system) {
        codec = new EventCodec(system);
    }

    public byte[] write(Object payload, long sequenceNr, String persistenceId) throws Exception {
        PersistentRepr event = PersistentRepr.apply(payload, sequenceNr, persistenceId, "", false, ActorRef.noSender(), "writer-1");
        return codec.toBytes(event.withTimestamp(1_795_513_531_000L)).toArray();
    }

    public PersistentRepr read(byte[] bytes) {
        return codec.fromBytes(Bytes.copyOf(bytes));
    }
}
