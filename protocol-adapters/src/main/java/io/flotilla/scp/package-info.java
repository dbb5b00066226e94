/**
 * The legacy SCP protocol, as {@code scp -O} and its like speak it over a command's channel (OpenSSH's scp.c; there is no
 * standard). What runs is no program of the server's: the command line is read here, and no shell ever sees it.
 */
package io.flotilla.scp;
