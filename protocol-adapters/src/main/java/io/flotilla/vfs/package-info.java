/**
 * The virtual file system: one user's files as every protocol sees them. {@link io.flotilla.vfs.VirtualPath} is a
 * canonical path made once, {@link io.flotilla.vfs.VirtualFileSystem} the operations on it, and
 * {@link io.flotilla.vfs.PublishingFileSystem} what makes an upload visible only when it is complete.
 */
package io.flotilla.vfs;
