package io.flotilla.ftp;

/**
 * How data goes over the wire.
 *
 * @param ascii lines end with CRLF there and with LF in files
 * @param deflate MODE Z (draft-preston-ftpext-deflate-04): the stream in zlib format
 * @param level of compression, 1 to 9
 */
record Encoding(boolean ascii, boolean deflate, int level) {
  boolean isPlain() {
    return !ascii && !deflate;
  }
}
