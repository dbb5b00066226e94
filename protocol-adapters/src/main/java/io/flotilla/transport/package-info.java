/** The bytes of TCP connections, in clear or under TLS, and the buffers that file data goes through. */
package io.flotilla.transport;
