package io.flotilla.journal.raft;

import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class RaftQuorumTest {
    private static final JournalReply FENCED = new JournalReply.Fenced("another writer");

    /** Who is told of the fence answers that nothing was changed. */
    @Test
    void fenced_afterATryThatWentUnanswered_isUnknown_becauseThatOneMayHaveBeenWritten() {
        var unanswered = Optional.of(new RaftQuorum.Failed("no answer", true, null));

        assertThrows(OutcomeUnknownException.class, () -> RaftQuorum.requireCertain(FENCED, unanswered));
        assertSame(FENCED, RaftQuorum.requireCertain(FENCED, Optional.empty()));
        JournalReply written = new JournalReply.Appended(1);
        assertSame(written, RaftQuorum.requireCertain(written, unanswered));
    }
}
