package io.flotilla.journal.raft;

/** A command may or may not have been written: it was sent, but the answer didn't come in time. */
public final class OutcomeUnknownException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    public OutcomeUnknownException(String message, Throwable cause) {
        super(message, cause);
    }
}
