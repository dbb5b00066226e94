/**
 * SFTP version 3 (draft-ietf-secsh-filexfer-02) with OpenSSH's extensions, on Apache MINA SSHD's transport. Packets are
 * assembled on the transport's threads; each channel has one virtual thread that serves its requests in order.
 */
package io.flotilla.sftp;
