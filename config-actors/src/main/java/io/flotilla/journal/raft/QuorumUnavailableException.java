package io.flotilla.journal.raft;

import io.flotilla.persistence.NotWrittenException;

/** No majority of voters answered in time, and certainly nothing was written. Try again when enough voters run. */
public final class QuorumUnavailableException extends NotWrittenException {
    private static final long serialVersionUID = 1L;

    public QuorumUnavailableException(String message, Throwable cause) {
        super(message, cause);
    }
}
