package io.flotilla.vfs;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Instant;

/** Uploads by segments as tests drive them, by hand. Stateless. */
final class Uploads {
  static final String ID = "0123456789abcdef0123456789abcdef";
  static final VirtualPath TARGET = path("/d/a.bin");
  static final String USER = "ann";

  private Uploads() {}

  static VirtualPath path(String text) {
    try {
      return VirtualPath.parse(text);
    } catch (VfsException e) {
      throw new AssertionError(e);
    }
  }

  /** A claim of one who doesn't notice that he has lost it. */
  static UploadClaim claim(long number) {
    return new UploadClaim() {
      @Override
      public long number() {
        return number;
      }

      @Override
      public void check() {}
    };
  }

  static void create(VirtualFileSystem files, long length, boolean overwrites) throws VfsException {
    UploadInfo info = new UploadInfo(length, TARGET.name(), overwrites, USER, "key dmFsdWU=", Instant.now());
    SegmentedUpload.create(files, TARGET, ID, info).close();
  }

  static SegmentedUpload find(VirtualFileSystem files) throws VfsException {
    return SegmentedUpload.find(files, TARGET, USER, ID).orElseThrow(() -> new VfsException(VfsError.NOT_FOUND, TARGET));
  }

  static SegmentWriter take(VirtualFileSystem files, long number) throws VfsException {
    return find(files).take(claim(number));
  }

  static void write(SegmentWriter writer, String text) throws VfsException {
    writer.write(ByteBuffer.wrap(text.getBytes(StandardCharsets.US_ASCII)), writer.offset());
  }

  /** Goes on with it and ends in order. */
  static void append(VirtualFileSystem files, long number, String text) throws VfsException {
    try (SegmentedUpload upload = find(files)) {
      SegmentWriter writer = upload.take(claim(number));
      writer.open(false);
      write(writer, text);
      writer.close();
    }
  }

  static void publish(VirtualFileSystem files, long number) throws VfsException {
    try (SegmentedUpload upload = find(files)) {
      upload.take(claim(number)).publish();
    }
  }

  static long offset(VirtualFileSystem files) throws VfsException {
    try (SegmentedUpload upload = find(files)) {
      return upload.state().offset();
    }
  }

  /** All bytes that count. */
  static String counted(VirtualFileSystem files) throws VfsException {
    try (SegmentedUpload upload = find(files)) {
      UploadLayout layout = UploadLayout.of(upload.find().parts()).orElseThrow();
      StringBuilder all = new StringBuilder();
      for (int i = 0; i < layout.counted().size(); i++) {
        UploadPart.Segment segment = layout.counted().get(i).segment();
        long end = i + 1 < layout.counted().size() ? layout.counted().get(i + 1).segment().start() : layout.offset();
        ByteBuffer buffer = ByteBuffer.allocate((int) (end - segment.start()));
        OpenFile file = upload.staging().open(upload.path(segment), OpenMode.READ, 0);
        file.read(buffer, 0);
        file.abandon();
        if (buffer.hasRemaining()) {
          throw new AssertionError("a gap after " + all + " in " + layout);
        }
        all.append(new String(buffer.array(), StandardCharsets.US_ASCII));
      }
      return all.toString();
    }
  }
}
