/**
 * HTTP listeners: connections of our own on virtual threads below Pekko HTTP, which reads requests and writes responses. The contents
 * of files pass by its streams.
 */
package io.flotilla.http.server;
