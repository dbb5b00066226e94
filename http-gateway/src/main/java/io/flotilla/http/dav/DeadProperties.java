package io.flotilla.http.dav;

import io.flotilla.vfs.ExtraData;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.io.ByteArrayOutputStream;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The properties of a file that clients gave it and the server only keeps (RFC 4918, 3), each with its element as XML. They are kept
 * beside the contents, so they go where the file is renamed to. Immutable.
 */
record DeadProperties(Map<XmlName, String> elements) {
  static final DeadProperties NONE = new DeadProperties(Map.of());
  private static final byte FORMAT = 1;

  static DeadProperties of(VirtualFileSystem files, VirtualPath path) throws VfsException {
    byte[] data = files.extraData(path, ExtraData.PROPERTIES);
    if (data.length == 0) {
      return NONE;
    }
    try {
      return decode(ByteBuffer.wrap(data));
    } catch (BufferUnderflowException | IllegalArgumentException e) {
      throw new VfsException(VfsError.IO, path, "its properties are damaged, or those of a later release");
    }
  }

  /** @throws VfsException with NO_SPACE or UNSUPPORTED if the storage doesn't keep them; then it has those of before */
  void store(VirtualFileSystem files, VirtualPath path) throws VfsException {
    byte[] data = encode();
    if (data.length > ExtraData.MAX_BYTES) {
      throw new VfsException(VfsError.NO_SPACE, path, "its properties would have over " + ExtraData.MAX_BYTES + " bytes");
    }
    files.setExtraData(path, ExtraData.PROPERTIES, data);
  }

  /** A number of the format, then for each property its name space, its name and its element, each with its length before it. */
  byte[] encode() {
    if (elements.isEmpty()) {
      return new byte[0];
    }
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(FORMAT);
    elements.forEach((name, xml) -> {
      put(name.namespace(), out);
      put(name.local(), out);
      put(xml, out);
    });
    return out.toByteArray();
  }

  private static void put(String text, ByteArrayOutputStream out) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    out.writeBytes(ByteBuffer.allocate(Integer.BYTES).putInt(bytes.length).array());
    out.writeBytes(bytes);
  }

  static DeadProperties decode(ByteBuffer data) {
    if (data.get() != FORMAT) {
      throw new IllegalArgumentException("an unknown format");
    }
    Map<XmlName, String> elements = new LinkedHashMap<>();
    while (data.hasRemaining()) {
      elements.put(new XmlName(text(data), text(data)), text(data));
    }
    return new DeadProperties(elements);
  }

  private static String text(ByteBuffer data) {
    int length = data.getInt();
    if (length < 0 || length > data.remaining()) {
      throw new IllegalArgumentException("a length beyond the end");
    }
    byte[] bytes = new byte[length];
    data.get(bytes);
    return new String(bytes, StandardCharsets.UTF_8);
  }
}
