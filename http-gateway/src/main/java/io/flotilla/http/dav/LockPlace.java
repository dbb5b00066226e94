package io.flotilla.http.dav;

import io.flotilla.vfs.ByteNames;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Base64;
import java.util.List;

/**
 * Where something is in a storage, whoever calls it by whatever path. Each name is a hash, so that a place of any names makes a key of a
 * bounded length, in which the places above are prefixes; that two names have the same one is not to be expected.
 *
 * @param hashes of the storage's name and of those that lead from its root
 */
record LockPlace(List<String> hashes) {
  private static final int HASH_BYTES = 8;

  /** @param names from the storage's root, links resolved */
  static LockPlace of(String storage, List<String> names) {
    List<String> hashes = new ArrayList<>(names.size() + 1);
    hashes.add(hash(storage.getBytes(StandardCharsets.UTF_8)));
    names.forEach(name -> hashes.add(hash(ByteNames.encode(name))));
    return new LockPlace(List.copyOf(hashes));
  }

  private static String hash(byte[] name) {
    try {
      byte[] hash = MessageDigest.getInstance("SHA-256").digest(name);
      return Base64.getUrlEncoder().withoutPadding().encodeToString(Arrays.copyOf(hash, HASH_BYTES));
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every Java has SHA-256", e);
    }
  }

  static LockPlace ofKey(String key) {
    return new LockPlace(List.of(key.split("/")));
  }

  /** How many names lead there from the storage's root. */
  int depth() {
    return hashes.size() - 1;
  }

  /** This place and those above it, the root of the storage first. */
  List<LockPlace> way() {
    List<LockPlace> way = new ArrayList<>(hashes.size());
    for (int count = 1; count <= hashes.size(); count++) {
      way.add(new LockPlace(hashes.subList(0, count)));
    }
    return way;
  }

  /** Without a slash at its ends. */
  String key() {
    return String.join("/", hashes);
  }
}
