package io.flotilla.vfs;

/** That an upload is only one's own to go on with, for some time. Safe for all threads; never blocks. */
public interface UploadClaim {
  /** Greater than that of every claim of the same upload that was granted before; 1 or more. */
  long number();

  /** @throws VfsException BUSY if it may be somebody else's by now */
  void check() throws VfsException;
}
