package io.flotilla.ftp;

import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.Locale;
import java.util.Optional;
import java.util.zip.CRC32;

/** What HASH and its older kin compute (draft-bryan-ftpext-hash, section 3.1). */
enum HashAlgorithm {
  SHA_256("SHA-256"), SHA_512("SHA-512"), SHA_1("SHA-1"), MD5("MD5"), CRC32("CRC32");

  private final String word;

  HashAlgorithm(String word) {
    this.word = word;
  }

  /** The name on the wire, and of the Java platform's digest. */
  String word() {
    return word;
  }

  static Optional<HashAlgorithm> of(String word) {
    String upper = word.toUpperCase(Locale.ROOT);
    for (HashAlgorithm algorithm : values()) {
      if (algorithm.word.equals(upper)) {
        return Optional.of(algorithm);
      }
    }
    return Optional.empty();
  }

  /** A computation in progress. */
  interface Computation {
    void update(ByteBuffer data);

    /** The result in lower-case hexadecimal. */
    String result();
  }

  Computation begin() {
    if (this == CRC32) {
      CRC32 crc = new CRC32();
      return new Computation() {
        @Override
        public void update(ByteBuffer data) {
          crc.update(data);
        }

        @Override
        public String result() {
          return HexFormat.of().toHexDigits((int) crc.getValue());
        }
      };
    }
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance(word);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has " + word, e);
    }
    return new Computation() {
      @Override
      public void update(ByteBuffer data) {
        digest.update(data);
      }

      @Override
      public String result() {
        return HexFormat.of().formatHex(digest.digest());
      }
    };
  }
}
