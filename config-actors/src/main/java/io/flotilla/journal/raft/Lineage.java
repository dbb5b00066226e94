package io.flotilla.journal.raft;

import java.security.SecureRandom;
import java.util.Objects;
import java.util.UUID;

/**
 * One life of a cluster. The first begins when the cluster is formed, and each recovery of one voter alone begins another, in a
 * Raft group of its own, so that the voters of a former one can neither vote nor write in it. The id of the group tells all
 * that others must know: the cluster's id as it was made (a random UUID, version 4) is that of the first lineage; a later one
 * keeps its leading bits, has version 8, and ends with 16 bits of number and 32 random ones, since two voters may each be
 * recovered from the same lineage by mistake.
 *
 * @param id of the Raft group, and of the cluster as long as this lineage is the newest
 */
public record Lineage(UUID id) {
    private static final int RECOVERED = 8;
    private static final int NUMBER_SHIFT = 32;
    private static final int CLUSTER_SHIFT = 48;
    private static final int MAX_NUMBER = 0xffff;
    private static final long VERSION_BITS = 0xf000L;
    private static final long VERSIONS = 1_000_000_000;
    private static final int CLAIMS_SHIFT = 40;
    private static final SecureRandom RANDOM = new SecureRandom();

    public Lineage {
        Objects.requireNonNull(id);
    }

    /** How often the cluster was recovered, 0 in the first. */
    public int number() {
        return id.version() == RECOVERED ? (int) (id.getLeastSignificantBits() >>> NUMBER_SHIFT) & MAX_NUMBER : 0;
    }

    /** Whether both are lineages of one cluster. */
    public boolean isOfSameCluster(Lineage other) {
        return (id.getMostSignificantBits() & ~VERSION_BITS) == (other.id.getMostSignificantBits() & ~VERSION_BITS)
                && id.getLeastSignificantBits() >>> CLUSTER_SHIFT == other.id.getLeastSignificantBits() >>> CLUSTER_SHIFT;
    }

    /** Whether the other one is a former lineage of the same cluster. */
    public boolean replaces(Lineage other) {
        return isOfSameCluster(other) && number() > other.number();
    }

    /** Whether the same lineage was replaced twice, by two recoveries that know nothing of each other. */
    public boolean contradicts(Lineage other) {
        return isOfSameCluster(other) && number() == other.number() && !equals(other);
    }

    /** A lineage that replaces this one. */
    public Lineage next() {
        int number = number() + 1;
        if (number > MAX_NUMBER) {
            throw new IllegalStateException("Cluster " + id + " was recovered " + MAX_NUMBER + " times and can't be once more; "
                    + "form a new one and import the configuration");
        }
        long cluster = id.getLeastSignificantBits() >>> CLUSTER_SHIFT << CLUSTER_SHIFT;
        return new Lineage(new UUID(id.getMostSignificantBits() & ~VERSION_BITS | (long) RECOVERED << 12,
                cluster | (long) number << NUMBER_SHIFT | Integer.toUnsignedLong(RANDOM.nextInt())));
    }

    /** The configuration's first version, far above those of the former lineage that nobody knows any more; 0 in the first. */
    public long firstVersion() {
        return number() * VERSIONS;
    }

    /** The first number that a claim gets, for the same reason. */
    public long firstClaim() {
        return ((long) number() << CLAIMS_SHIFT) + 1;
    }

    @Override
    public String toString() {
        return id.toString();
    }
}
