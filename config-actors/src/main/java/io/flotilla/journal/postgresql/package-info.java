/**
 * The journal in a PostgreSQL database, for those who run one anyway: pekko-persistence-jdbc with a fence of ours, and what the
 * nodes agree about besides (the generation of the Pekko cluster, the names of nodes, the lease of the split brain resolver).
 * Nothing here knows the embedded journal.
 */
package io.flotilla.journal.postgresql;
