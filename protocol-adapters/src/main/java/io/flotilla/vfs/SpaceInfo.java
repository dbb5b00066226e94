package io.flotilla.vfs;

/** The state of a storage, in the fields and units of POSIX statvfs. */
public record SpaceInfo(
    long blockSize, long fragmentSize, long blocks, long freeBlocks, long availableBlocks,
    long files, long freeFiles, long availableFiles, boolean readOnly, long maxNameLength) {}
