package io.flotilla.config.event;

import java.util.List;

/** The configuration at a version with the changes that are kept as history, as the journal's snapshot store holds it. */
public record ConfigSnapshot(long version, String digest, List<StoredDocument> documents, List<ConfigChanged> history)
    implements CborSerializable {}
