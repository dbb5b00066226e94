package io.flotilla.journal.raft;

/**
 * What a node says about itself when others ask its voter for {@link JournalQuery.LocalStatus}, such as which generation of the
 * Pekko cluster it is in and whom it sees there. Opaque here. Called on Raft's threads: it must answer at once.
 */
@FunctionalInterface
public interface LocalAnswer {
    LocalAnswer NONE = () -> Bytes.EMPTY;

    Bytes answer();
}
