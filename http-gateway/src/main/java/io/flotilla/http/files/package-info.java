/** The users' files over HTTP: what is under {@code /files} read, listed, written and moved (RFC 9110, RFC 4918). */
package io.flotilla.http.files;
