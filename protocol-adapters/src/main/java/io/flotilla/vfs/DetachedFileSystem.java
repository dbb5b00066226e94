package io.flotilla.vfs;

import io.flotilla.vfs.StorageBulkhead.DataCalls;
import io.flotilla.vfs.StorageBulkhead.Patience;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.function.BooleanSupplier;

/**
 * A file system whose operations run on threads of its storage's {@link StorageBulkhead}, so that a storage that hangs fails
 * them after a bounded wait, and holds nobody else up. It is opened by its first use. Reading and writing stay on the caller's
 * thread, which hangs with the storage; on a disk of this machine so does all but closing what was written, because there the way
 * to another thread would be the longest part of it. Used by one thread at a time.
 */
final class DetachedFileSystem extends InterceptedFileSystem {
  /** Entries that are fetched at once: a thread for each would take longer than the entry. */
  private static final int ENTRIES = 256;

  private final StorageBulkhead bulkhead;
  private final StorageLane lane;
  private final Source source;
  private final BooleanSupplier onLocalDisk;
  /** Only looked at on the lane, unless calls run in place. */
  private VirtualFileSystem files;
  /** What runs on the caller's thread; null if the lane has to be used. */
  private DataCalls inPlace;
  private boolean isOpen;
  private boolean left;

  /** Opens what an operation runs on; may hang. */
  interface Source {
    VirtualFileSystem open() throws VfsException;
  }

  /**
   * @param onLocalDisk whether what was opened is on a disk of this machine; asked after the source was opened, on the same
   *     thread. What is mounted further down counts with it
   */
  DetachedFileSystem(StorageBulkhead bulkhead, Source source, BooleanSupplier onLocalDisk) {
    this.bulkhead = bulkhead;
    bulkhead.enter();
    this.lane = new StorageLane(bulkhead);
    this.source = source;
    this.onLocalDisk = onLocalDisk;
  }

  /** Opens it now, for whoever needs to know whether it can be; does nothing if it is open. */
  void open() throws VfsException {
    if (isOpen) {
      return;
    }
    boolean isLocal = lane.call(Patience.USUAL, () -> {
      files = files == null ? source.open() : files; // an earlier call may have come back late
      return onLocalDisk.getAsBoolean();
    });
    isOpen = true;
    inPlace = isLocal ? bulkhead.new DataCalls() : null;
  }

  @Override
  <T> T perform(Use use, List<VirtualPath> paths, Operation<T> operation) throws VfsException {
    open();
    return call(inPlace, () -> operation.on(files));
  }

  private interface Call<T> {
    T make() throws VfsException;
  }

  /** Makes a call where it may be made. */
  private <T> T call(DataCalls place, Call<T> call) throws VfsException {
    if (inPlace == null) {
      return lane.call(Patience.USUAL, call::make);
    }
    lane.checkFree();
    place.begin();
    try {
      return call.make();
    } finally {
      place.end();
    }
  }

  @Override
  OpenFile opened(OpenFile file, OpenMode mode) {
    return new DetachedFile(file, mode.write(), bulkhead.new DataCalls());
  }

  @Override
  DirectoryListing opened(DirectoryListing listing) {
    return new DetachedListing(listing);
  }

  @Override
  VirtualFileSystem opened(VirtualFileSystem subtree, VirtualPath directory) {
    DetachedFileSystem opened = new DetachedFileSystem(bulkhead, () -> subtree, onLocalDisk);
    opened.files = subtree;
    opened.isOpen = true;
    opened.inPlace = inPlace == null ? null : bulkhead.new DataCalls();
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
    private final boolean isWritten;
    private final DataCalls data;
    private boolean closed;
    /** Whether a change did not come to the file, which then must not pass for whole. */
    private boolean broken;

    DetachedFile(OpenFile file, boolean isWritten, DataCalls data) {
      this.file = file;
      this.isWritten = isWritten;
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
      return call(data, file::attributes);
    }

    @Override
    public void setAttributes(AttributeChange change) throws VfsException {
      try {
        call(data, () -> {
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
        Call<Boolean> closing = () -> {
          file.close();
          return true;
        };
        if (isWritten) {
          lane.call(Patience.LONG, closing::make); // waits until all of it is on the disk
        } else {
          call(data, closing);
        }
        closed = true;
      } finally {
        abandon(); // also what could not be closed because an earlier call is still out
      }
    }

    @Override
    public void abandon() {
      if (!closed) {
        closed = true;
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
        fetched = call(inPlace, this::fetch).iterator();
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
