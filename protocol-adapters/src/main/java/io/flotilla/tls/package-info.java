/** Certificates and keys as TLS listeners use them. */
package io.flotilla.tls;
