package io.flotilla.http.web;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.Optional;
import java.util.zip.Deflater;
import java.util.zip.GZIPOutputStream;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.util.ByteString;

/**
 * Something that a browser loads, ready to be sent. Immutable.
 *
 * @param gzip the same compressed, if it is smaller
 * @param tag a strong entity tag of it as it is, in its quotes (RFC 9110, 8.8.3)
 */
record Asset(ContentType type, ByteString bytes, Optional<ByteString> gzip, String tag) {
  static Asset of(ContentType type, byte[] content) {
    byte[] compressed = gzip(content);
    return new Asset(type, ByteString.fromArray(content),
        compressed.length < content.length ? Optional.of(ByteString.fromArray(compressed)) : Optional.empty(),
        '"' + fingerprint(content) + '"');
  }

  /** What tells contents from others, fit for a path. */
  static String fingerprint(byte[]... contents) {
    try {
      MessageDigest sha = MessageDigest.getInstance("SHA-256");
      for (byte[] content : contents) {
        sha.update(content);
      }
      return Base64.getUrlEncoder().withoutPadding().encodeToString(sha.digest()).substring(0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }

  private static byte[] gzip(byte[] content) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    try (GZIPOutputStream gzip = new GZIPOutputStream(out) {
      {
        def.setLevel(Deflater.BEST_COMPRESSION);
      }
    }) {
      gzip.write(content);
    } catch (IOException e) {
      throw new UncheckedIOException(e); // memory doesn't fail
    }
    return out.toByteArray();
  }
}
