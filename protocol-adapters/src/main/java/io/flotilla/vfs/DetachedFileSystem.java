package io.flotilla.vfs;

import io.flotilla.vfs.StorageBulkhead.DataCalls;
import io.flotilla.vfs.StorageBulkhead.Patience;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;

/**
 * A file system whose operations run on threads of its storage's {@link StorageBulkhead}, so that a storage that hangs fails
 * them after a bounded wait, and holds nobody else up. It is opened by its first use. Reading and writing stay on the caller's
 * thread, which hangs with the storage. Used by one thread at a time.
 */
final class DetachedFileSystem extends InterceptedFileSystem {
  /** Entries that are fetched at once: a thread for each would take longer than the entry. */
  private static final int ENTRIES = 256;

  private final StorageBulkhead bulkhead;
  private final StorageLane lane;
  private final Source source;
  /** Only looked at on the lane. */
  private VirtualFileSystem files;
  private boolean left;

  /** Opens what an operation runs on; may hang. */
  interface Source {
    VirtualFileSystem open() throws VfsException;
  }

  DetachedFileSystem(StorageBulkhead bulkhead, Source source) {
    this(bulkhead, new StorageLane(bulkhead), source);
  }

  private DetachedFileSystem(StorageBulkhead bulkhead, StorageLane lane, Source source) {
    this.bulkhead = bulkhead;
    bulkhead.enter();
    this.lane = lane;
    this.source = source;
  }

  /** Opens it now, for whoever needs to know whether it can be. */
  void open() throws VfsException {
    lane.call(Patience.USUAL, () -> {
      files();
      return true; // and not what is closed by close, if it comes too late
    });
  }

  private VirtualFileSystem files() throws VfsException {
    if (files == null) {
      files = source.open();
    }
    return files;
  }

  @Override
  <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
    return lane.call(Patience.USUAL, () -> operation.on(files()));
  }

  @Override
  OpenFile opened(OpenFile file) {
    return new DetachedFile(file, bulkhead.openData());
  }

  @Override
  DirectoryListing opened(DirectoryListing listing) {
    return new DetachedListing(listing);
  }

  @Override
  VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) {
    DetachedFileSystem opened = new DetachedFileSystem(bulkhead, () -> subtree);
    opened.files = subtree;
    return opened;
  }

  @Override
  public void close() {
    if (!left) {
      left = true;
      bulkhead.leave();
    }
    lane.close(() -> {
      if (files != null) {
        files.close();
      }
    });
  }

  private final class DetachedFile implements OpenFile {
    private final OpenFile file;
    private final DataCalls data;
    private boolean closed;
    /** Whether a change did not come to the file, which then must not pass for whole. */
    private boolean broken;

    DetachedFile(OpenFile file, DataCalls data) {
      this.file = file;
      this.data = data;
    }

    private void begin() throws VfsException {
      lane.checkFree();
      data.begin();
    }

    @Override
    public int read(ByteBuffer target, long position) throws VfsException {
      begin();
      try {
        return file.read(target, position);
      } finally {
        data.end();
      }
    }

    @Override
    public long transferTo(long position, long count, WritableByteChannel target) throws IOException {
      begin();
      try {
        return file.transferTo(position, count, target);
      } finally {
        data.end();
      }
    }

    @Override
    public void write(ByteBuffer source, long position) throws VfsException {
      try {
        begin();
      } catch (VfsException e) {
        broken = true;
        throw e;
      }
      try {
        file.write(source, position);
      } finally {
        data.end();
      }
    }

    @Override
    public FileAttributes attributes() throws VfsException {
      return lane.call(Patience.USUAL, file::attributes);
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      try {
        lane.call(Patience.USUAL, () -> {
          file.setAttributes(change);
          return true;
        });
      } catch (VfsException e) {
        broken |= change.size().isPresent();
        throw e;
      }
    }

    @Override
    public void sync() throws VfsException {
      lane.call(Patience.LONG, () -> {
        file.sync();
        return true;
      });
    }

    @Override
    public void close() throws VfsException {
      if (closed) {
        return;
      }
      if (broken) {
        abandon();
        throw new VfsException(VfsError.IO, "not everything could be written, so the file was not finished");
      }
      try {
        lane.call(Patience.LONG, () -> {
          file.close();
          return true;
        });
        closed = true;
        data.close();
      } finally {
        abandon(); // also what could not be closed because an earlier call is still out
      }
    }

    @Override
    public void abandon() {
      if (!closed) {
        closed = true;
        data.close();
        lane.close(file::abandon);
      }
    }
  }

  private final class DetachedListing implements DirectoryListing {
    private final DirectoryListing listing;
    private Iterator<Entry> fetched = List.<Entry>of().iterator();
    private boolean closed;

    DetachedListing(DirectoryListing listing) {
      this.listing = listing;
    }

    @Override
    public Entry next() throws VfsException {
      if (!fetched.hasNext() && !closed) {
        fetched = lane.call(Patience.USUAL, this::fetch).iterator();
      }
      return fetched.hasNext() ? fetched.next() : null;
    }

    private List<Entry> fetch() throws VfsException {
      List<Entry> entries = new ArrayList<>();
      Entry entry = listing.next();
      while (entry != null) {
        entries.add(entry);
        entry = entries.size() < ENTRIES ? listing.next() : null;
      }
      return entries;
    }

    @Override
    public void close() {
      if (!closed) {
        closed = true;
        fetched = List.<Entry>of().iterator();
        lane.close(listing::close);
      }
    }
  }
}
