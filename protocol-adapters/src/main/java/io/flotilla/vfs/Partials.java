package io.flotilla.vfs;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * The names of unfinished uploads: {@code .flotilla-part-<owner>-<name>}, each a part of a SHA-256. So an owner has one
 * partial for each final name in a directory, finds it again without a search, and shares it with nobody. Those of uploads by
 * segments, which go on at whatever node, begin with {@code .flotilla-part-u-<user>-}. Immutable.
 */
final class Partials {
  static final String PREFIX = ".flotilla-part-";
  /** Only ever copied: to look for it anew takes as long as opening a file does. */
  private static final MessageDigest SHA_256 = make();
  private static final int OWNER_BYTES = 8;
  private static final int NAME_BYTES = 20;

  private static final String SEGMENTED = PREFIX + "u-";

  private static final String ASIDE = PREFIX + "aside-";
  private static final String KEPT = "kept-";

  private final String mine;
  private final String segmented;

  /**
   * @param owner whoever may go on with a partial: a user, and the node after a line feed
   */
  Partials(String owner) {
    int end = owner.indexOf('\n');
    this.mine = PREFIX + hash(owner, OWNER_BYTES) + "-";
    this.segmented = ofSegments(end < 0 ? owner : owner.substring(0, end));
  }

  /** What the names of all that a user's uploads by segments consist of begin with. */
  static String ofSegments(String user) {
    return SEGMENTED + hash(user, OWNER_BYTES) + "-";
  }

  static boolean isSegmented(String name) {
    return name.startsWith(SEGMENTED);
  }

  /** A new name for a file that is about to be deleted, and is to be looked at once more where nobody reaches it. */
  static String aside() {
    return ASIDE + HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
  }

  /** What such a file is to be called if it must stay and its own name is taken. */
  static String shown(String aside) {
    return KEPT + aside.substring(ASIDE.length());
  }

  /** Whether clients must neither see nor reach such a name. */
  static boolean isHidden(String name) {
    return name.startsWith(PREFIX);
  }

  static boolean isHidden(VirtualPath path) {
    return path.names().stream().anyMatch(Partials::isHidden);
  }

  boolean isMine(String name) {
    return name.startsWith(mine) || name.startsWith(segmented);
  }

  /** The partial's name for a final name; 72 bytes. */
  String nameFor(String finalName) {
    return mine + hash(finalName, NAME_BYTES);
  }

  private static String hash(String text, int bytes) {
    byte[] digest = sha256().digest(text.getBytes(StandardCharsets.UTF_16BE)); // a lone surrogate has no UTF-8
    return HexFormat.of().formatHex(Arrays.copyOf(digest, bytes));
  }

  private static MessageDigest sha256() {
    try {
      return (MessageDigest) SHA_256.clone();
    } catch (CloneNotSupportedException e) {
      throw new IllegalStateException("Java's SHA-256 can be copied", e);
    }
  }

  private static MessageDigest make() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java platform has SHA-256", e);
    }
  }
}
