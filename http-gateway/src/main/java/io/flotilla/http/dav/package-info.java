/** WebDAV (RFC 4918) on the users' files: properties of files and directories, and locks. */
package io.flotilla.http.dav;
