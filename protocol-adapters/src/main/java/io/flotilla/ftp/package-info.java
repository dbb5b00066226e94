/**
 * FTP (RFC 959, 2389, 2428, 2640, 3659 and common extensions), with an engine of its own on virtual threads: one for each
 * client's control connection, one more while a transfer runs.
 */
package io.flotilla.ftp;
