package io.flotilla.journal.raft;

/** A command, query, reply or Raft snapshot of a shape that only a newer release knows: nothing is damaged. */
public final class NewerFormatException extends JournalFormatException {
    private static final long serialVersionUID = 1L;

    public NewerFormatException(String message) {
        super(message);
    }
}
