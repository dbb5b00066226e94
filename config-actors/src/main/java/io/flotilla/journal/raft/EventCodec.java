package io.flotilla.journal.raft;

import org.apache.pekko.actor.ActorSystem;
import org.apache.pekko.persistence.PersistentRepr;
import org.apache.pekko.persistence.journal.Tagged;
import org.apache.pekko.serialization.Serialization;
import org.apache.pekko.serialization.SerializationExtension;

/**
 * Events and snapshots as bytes, by Pekko's own serializer for PersistentRepr, which also keeps manifest, writer and metadata.
 * Tags are dropped: they are for queries by tag, which this journal doesn't have.
 */
final class EventCodec {
    private final Serialization serialization;

    EventCodec(ActorSystem system) {
        this.serialization = SerializationExtension.get(system);
    }

    /** @throws Exception whatever the payload's serializer throws */
    Bytes toBytes(PersistentRepr event) throws Exception {
        PersistentRepr plain = event.payload() instanceof Tagged tagged ? event.withPayload(tagged.payload()) : event;
        return Bytes.owning(serialization.serialize(plain).get());
    }

    PersistentRepr fromBytes(Bytes bytes) {
        return serialization.deserialize(bytes.asArray(), PersistentRepr.class).get();
    }
}
