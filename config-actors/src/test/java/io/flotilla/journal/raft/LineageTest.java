package io.flotilla.journal.raft;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.UUID;
import org.junit.jupiter.api.Test;

class LineageTest {
    private final Lineage first = new Lineage(UUID.randomUUID());

    @Test
    void next_isOfTheSameCluster_andReplacesTheFormer() {
        Lineage second = first.next();
        Lineage third = second.next();

        assertEquals(0, first.number());
        assertEquals(1, second.number());
        assertEquals(2, third.number());
        assertTrue(second.replaces(first) && third.replaces(first) && third.replaces(second));
        assertFalse(first.replaces(second) || second.replaces(third) || second.replaces(second));
        assertTrue(first.isOfSameCluster(third) && third.isOfSameCluster(first));
    }

    @Test
    void otherCluster_isNeitherReplacedNorContradicted() {
        Lineage other = new Lineage(UUID.randomUUID()).next();

        assertFalse(other.replaces(first) || other.isOfSameCluster(first) || other.contradicts(first.next()));
    }

    @Test
    void twoRecoveriesOfOneLineage_contradictEachOther() {
        Lineage one = first.next();
        Lineage another = first.next();

        assertTrue(one.contradicts(another));
        assertFalse(one.replaces(another) || another.replaces(one) || one.contradicts(one) || one.contradicts(first));
        assertTrue(one.next().replaces(another), "a later recovery ends it");
    }

    @Test
    void versionsAndClaims_ofEachLineage_areAboveThoseOfTheFormer() {
        assertEquals(0, first.firstVersion());
        assertEquals(1, first.firstClaim());
        assertEquals(1_000_000_000L, first.next().firstVersion());
        assertEquals(2_000_000_000L, first.next().next().firstVersion());
        assertTrue(first.next().firstClaim() > 1_000_000_000_000L);
    }

    @Test
    void theTextOfAnId_isReadAsTheSameLineage() {
        Lineage second = first.next();

        assertEquals(second, new Lineage(UUID.fromString(second.toString())));
    }
}
