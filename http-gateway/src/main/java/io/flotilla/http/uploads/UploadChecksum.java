package io.flotilla.http.uploads;

import io.flotilla.http.RefusedException;
import io.flotilla.vfs.OpenFile;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Map;

/** The checksum of a request's body (tus 1.0, Upload-Checksum). */
record UploadChecksum(String algorithm, byte[] expected) {
  static final String ALGORITHMS = "sha1,sha256,md5";
  private static final Map<String, String> KNOWN = Map.of("sha1", "SHA-1", "sha256", "SHA-256", "md5", "MD5");
  private static final int BUFFER_BYTES = 256 * 1024;

  static UploadChecksum parse(String header) {
    String[] parts = header.strip().split(" ", -1);
    if (parts.length != 2 || !KNOWN.containsKey(parts[0])) {
      throw RefusedException.malformed("Upload-Checksum must be one of " + ALGORITHMS + ", a space, and the checksum in Base64");
    }
    try {
      return new UploadChecksum(parts[0], Base64.getDecoder().decode(parts[1]));
    } catch (IllegalArgumentException e) {
      throw RefusedException.malformed("Upload-Checksum: the checksum is no Base64");
    }
  }

  /** Whether it is that of a part of a file. */
  boolean isOf(OpenFile file, long start, long end) throws VfsException {
    MessageDigest digest = digest();
    ByteBuffer buffer = ByteBuffer.allocate(BUFFER_BYTES);
    long position = start;
    while (position < end) {
      buffer.clear().limit((int) Math.min(buffer.capacity(), end - position));
      if (file.read(buffer, position) <= 0) {
        throw new VfsException(VfsError.IO, "what was written can't be read back");
      }
      position += buffer.flip().remaining();
      digest.update(buffer);
    }
    return MessageDigest.isEqual(expected, digest.digest());
  }

  private MessageDigest digest() {
    try {
      return MessageDigest.getInstance(KNOWN.get(algorithm));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has MD5, SHA-1 and SHA-256", e);
    }
  }
}
