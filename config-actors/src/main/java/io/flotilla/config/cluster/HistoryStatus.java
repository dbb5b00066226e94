package io.flotilla.config.cluster;

/**
 * How much of the past the primary keeps.
 *
 * @param oldestVersion the oldest version that can be restored
 * @param changes in history
 * @param maxChanges the most that the policy allows
 * @param bytes about what those changes take
 * @param maxBytes the most that they may take, unless the newest one alone is larger
 * @param lookups changes whose outcome can be looked up by their ids
 */
public record HistoryStatus(long oldestVersion, int changes, int maxChanges, long bytes, long maxBytes, int lookups) {}
