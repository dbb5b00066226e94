package io.flotilla.journal.raft;

import java.io.IOException;

/** Bytes that aren't what they should be: a damaged or foreign command, query, reply or snapshot. */
public sealed class JournalFormatException extends IOException permits NewerFormatException {
    private static final long serialVersionUID = 1L;

    public JournalFormatException(String message) {
        super(message);
    }

    public JournalFormatException(String message, Throwable cause) {
        super(message, cause);
    }
}
