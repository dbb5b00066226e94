/**
 * The virtual file system: one user's files as every protocol sees them. {@link io.flotilla.vfs.VirtualPath} is a
 * canonical path made once, {@link io.flotilla.vfs.VirtualFileSystem} the operations on it.
 * {@link io.flotilla.vfs.UserHomes} puts one together for a session, from above: the user's permissions; the home with
 * folders mounted in it; the home's quota; for each of these {@link io.flotilla.vfs.PublishingFileSystem}, which makes an
 * upload visible only when it is complete; where each node has a copy of the storage, what the others changed in theirs, and what tells
 * them of changes here; the guard of the storage; the storage.
 */
package io.flotilla.vfs;
