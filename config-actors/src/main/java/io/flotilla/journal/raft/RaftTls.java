package io.flotilla.journal.raft;

import javax.net.ssl.KeyManager;
import javax.net.ssl.TrustManager;

/**
 * By what the voters and their clients know each other: mutual TLS 1.3.
 *
 * @param own shows this process to the others
 * @param others decides whom to talk to; it is asked for clients and servers, and must not look at the names of hosts
 */
public record RaftTls(KeyManager own, TrustManager others) {}
