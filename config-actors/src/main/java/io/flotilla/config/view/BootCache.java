package io.flotilla.config.view;

import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import io.flotilla.config.event.ConfigChanged;
import io.flotilla.config.event.StoredDocument;
import io.flotilla.config.model.ClusterConfig;
import io.flotilla.config.model.ConfigDelta;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.config.model.StoredEntity;
import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.DataOutputStream;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The last configuration a node knew, in its data directory, so that it can serve at once when it boots. The file is a
 * snapshot followed by the changes since; it is rewritten when the changes outgrow the snapshot, so that a change costs
 * its own size. Every record has a checksum. A record cut short at the end is what a crash leaves and only costs that
 * change; anything else that does not fit sets the file aside, because a cache can be rebuilt and a wrong configuration
 * must not be served. Secrets in it are sealed. Not for use by two threads at once.
 */
public final class BootCache implements AutoCloseable {
  private static final int MAGIC = 0x464c4243; // FLBC
  private static final byte FORMAT = 1;
  private static final int MAX_RECORD_BYTES = 64 << 20;
  private static final long LEAST_BEFORE_REWRITE = 1 << 20;
  /** A newer release may have written the file: what this one does not know is no reason to set it aside. */
  private static final ObjectMapper CBOR = JsonMapper.builder(new CBORFactory()).addModule(new JavaTimeModule())
      .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES).build();
  private static final Logger log = LoggerFactory.getLogger(BootCache.class);

  private final Path file;
  private final EntityCodec codec;
  private FileChannel channel;
  private long snapshotBytes;
  private long changeBytes;
  private long version;

  private record Head(long version, String digest, int documents) {}

  public BootCache(Path file, EntityCodec codec) {
    this.file = file;
    this.codec = codec;
  }

  /** Reads the cached configuration; empty if there is none or it had to be set aside. */
  public Optional<ClusterConfig> load() throws IOException {
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(read());
    } catch (IOException | RuntimeException e) {
      Path aside = file.resolveSibling(file.getFileName() + ".damaged");
      Files.move(file, aside, StandardCopyOption.REPLACE_EXISTING);
      log.warn("The boot cache {} cannot be used ({}). It was set aside as {}; this node serves nothing until it has "
          + "the configuration from the primary.", file, e.getMessage(), aside.getFileName());
      return Optional.empty();
    }
  }

  /** Records a step: appended if it follows the last recorded version and is one change, otherwise written whole. */
  public void store(ConfigDelta delta, Optional<ConfigChanged> change) throws IOException {
    boolean appendable = channel != null && change.isPresent() && change.get().previous() == version
        && changeBytes < Math.max(snapshotBytes, LEAST_BEFORE_REWRITE);
    if (appendable) {
      byte[] record = record(CBOR.writeValueAsBytes(change.get()));
      writeFully(channel, ByteBuffer.wrap(record));
      changeBytes += record.length;
      version = change.get().version();
    } else {
      rewrite(delta.to());
    }
  }

  private ClusterConfig read() throws IOException {
    List<StoredDocument> documents = new ArrayList<>();
    long goodBytes;
    ClusterConfig config;
    try (CountingInput in = new CountingInput(file)) {
      if (in.data.readInt() != MAGIC || in.data.readByte() != FORMAT) {
        throw new IOException("it is not a boot cache of this format");
      }
      Head head = CBOR.readValue(in.record(), Head.class);
      for (int i = 0; i < head.documents; i++) {
        documents.add(CBOR.readValue(in.record(), StoredDocument.class));
      }
      config = ClusterConfig.of(head.version, documents, codec);
      if (!config.digest().toString().equals(head.digest)) {
        throw new IOException("its digest does not match its content");
      }
      goodBytes = in.position;
      snapshotBytes = goodBytes;
      while (true) {
        try {
          byte[] record = in.record();
          ConfigChanged change = CBOR.readValue(record, ConfigChanged.class);
          config = config.apply(change, codec);
          goodBytes = in.position;
        } catch (EOFException cutShort) {
          break;
        }
      }
    } catch (EOFException e) {
      throw new IOException("it ends too early", e);
    }
    open(goodBytes);
    version = config.version();
    changeBytes = goodBytes - snapshotBytes;
    return config;
  }

  private void rewrite(ClusterConfig config) throws IOException {
    close();
    Path next = file.resolveSibling(file.getFileName() + ".next");
    Files.deleteIfExists(next);
    Files.createFile(next, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
    try (FileChannel out = FileChannel.open(next, StandardOpenOption.WRITE);
        DataOutputStream data =
            new DataOutputStream(new BufferedOutputStream(java.nio.channels.Channels.newOutputStream(out), 1 << 16))) {
      data.writeInt(MAGIC);
      data.writeByte(FORMAT);
      data.write(record(CBOR.writeValueAsBytes(
          new Head(config.version(), config.digest().toString(), config.entities().size()))));
      for (StoredEntity entity : config.entities().values()) {
        data.write(record(CBOR.writeValueAsBytes(entity.toDocument())));
      }
      data.flush();
      out.force(true);
      snapshotBytes = out.position();
    }
    Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    open(snapshotBytes);
    changeBytes = 0;
    version = config.version();
  }

  private void open(long size) throws IOException {
    channel = FileChannel.open(file, StandardOpenOption.WRITE);
    channel.truncate(size);
    channel.position(size);
  }

  private static byte[] record(byte[] content) throws IOException {
    CRC32C crc = new CRC32C();
    crc.update(content);
    ByteArrayOutputStream bytes = new ByteArrayOutputStream(content.length + 8);
    DataOutputStream data = new DataOutputStream(bytes);
    data.writeInt(content.length);
    data.writeInt((int) crc.getValue());
    data.write(content);
    return bytes.toByteArray();
  }

  private static void writeFully(FileChannel out, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      out.write(bytes);
    }
  }

  @Override
  public void close() throws IOException {
    if (channel != null) {
      channel.close();
      channel = null;
    }
  }

  /** Reads records and knows where it is. */
  private static final class CountingInput implements AutoCloseable {
    private final DataInputStream data;
    private long position = Integer.BYTES + 1;

    CountingInput(Path file) throws IOException {
      data = new DataInputStream(new BufferedInputStream(Files.newInputStream(file), 1 << 16));
    }

    byte[] record() throws IOException {
      int length = data.readInt();
      int expected = data.readInt();
      if (length < 0 || length > MAX_RECORD_BYTES) {
        throw new IOException("a record has an impossible length");
      }
      byte[] content = new byte[length];
      data.readFully(content);
      CRC32C crc = new CRC32C();
      crc.update(content);
      if ((int) crc.getValue() != expected) {
        throw new IOException("a record's checksum is wrong");
      }
      position += 2L * Integer.BYTES + length;
      return content;
    }

    @Override
    public void close() throws IOException {
      data.close();
    }
  }
}
