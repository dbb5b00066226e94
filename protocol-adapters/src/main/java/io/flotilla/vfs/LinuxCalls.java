package io.flotilla.vfs;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.VarHandle;
import java.util.Optional;

/**
 * The system calls behind the jail. Each method returns the result, or a negated errno; none throws for a failed call.
 * Names are given as bytes without the final NUL. Stateless and safe for all threads; the numbers are those of x86-64 and
 * AArch64 with glibc 2.30 or newer.
 */
@SuppressWarnings("restricted") // calling C is the purpose of this class
final class LinuxCalls {
  static final int AT_FDCWD = -100;
  static final int AT_REMOVEDIR = 0x200;
  static final int AT_SYMLINK_NOFOLLOW = 0x100;
  static final int AT_EMPTY_PATH = 0x1000;
  static final int O_RDONLY = 0;
  static final int O_RDWR = 2;
  static final int O_CREAT = 0x40;
  static final int O_EXCL = 0x80;
  static final int O_CLOEXEC = 0x80000;
  static final int O_PATH = 0x200000;
  static final int O_DIRECTORY;
  static final int O_NOFOLLOW;
  static final int RESOLVE_NO_MAGICLINKS = 0x02;
  static final int RESOLVE_NO_SYMLINKS = 0x04;
  static final int RESOLVE_IN_ROOT = 0x10;
  static final int RENAME_NOREPLACE = 1;
  static final long UTIME_OMIT = (1L << 30) - 2;
  static final int EAGAIN = 11;
  static final int E2BIG = 7;
  static final int EINVAL = 22;
  static final int ERANGE = 34;
  static final int ENOSYS = 38;
  static final int ENODATA = 61;
  static final int EOPNOTSUPP = 95;

  private static final long SYS_OPENAT2 = 437; // the same number on every architecture
  private static final long OPEN_HOW_BYTES = 24;
  private static final int STATX_BASIC_STATS = 0x7ff;
  private static final long STATX_BYTES = 256;
  private static final long STATVFS_BYTES = 128;
  private static final long STATFS_BYTES = 128;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final StructLayout STATE = Linker.Option.captureStateLayout();
  private static final VarHandle ERRNO = STATE.varHandle(PathElement.groupElement("errno"));

  private static final MethodHandle SYSCALL = LINKER.downcallHandle(
      LINKER.defaultLookup().findOrThrow("syscall"),
      FunctionDescriptor.of(JAVA_LONG, JAVA_LONG, JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG),
      Linker.Option.captureCallState("errno"), Linker.Option.firstVariadicArg(1));
  private static final MethodHandle CLOSE = call("close", JAVA_INT);
  private static final MethodHandle FSYNC = call("fsync", JAVA_INT);
  private static final MethodHandle MKDIRAT = call("mkdirat", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle UNLINKAT = call("unlinkat", JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle RENAMEAT2 =
      call("renameat2", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle LINKAT = call("linkat", JAVA_INT, ADDRESS, JAVA_INT, ADDRESS, JAVA_INT);
  private static final MethodHandle SYMLINKAT = call("symlinkat", ADDRESS, JAVA_INT, ADDRESS);
  private static final MethodHandle STATX = call("statx", JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle CHMOD = call("chmod", ADDRESS, JAVA_INT);
  private static final MethodHandle TRUNCATE = call("truncate", ADDRESS, JAVA_LONG);
  private static final MethodHandle UTIMENSAT = call("utimensat", JAVA_INT, ADDRESS, ADDRESS, JAVA_INT);
  private static final MethodHandle FSTATVFS = call("fstatvfs", JAVA_INT, ADDRESS);
  private static final MethodHandle STATFS = call("statfs", ADDRESS, ADDRESS);
  private static final MethodHandle SETXATTR = call("setxattr", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, JAVA_INT);
  private static final MethodHandle REMOVEXATTR = call("removexattr", ADDRESS, ADDRESS);
  private static final MethodHandle GETXATTR = longCall("getxattr", ADDRESS, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle READLINKAT = longCall("readlinkat", JAVA_INT, ADDRESS, ADDRESS, JAVA_LONG);
  private static final MethodHandle GETDENTS64 = longCall("getdents64", JAVA_INT, ADDRESS, JAVA_LONG);

  static {
    boolean arm = System.getProperty("os.arch").equals("aarch64");
    O_DIRECTORY = arm ? 0x4000 : 0x10000;
    O_NOFOLLOW = arm ? 0x8000 : 0x20000;
  }

  /** The fields of struct statx that are used. */
  record Stat(long inode, long device, int mode, long size, long links,
      long accessedSeconds, int accessedNanos, long modifiedSeconds, int modifiedNanos, long changedSeconds, int changedNanos) {}

  private LinuxCalls() {}

  /** openat2(2). The resolve flags make the kernel itself keep the whole walk beneath the directory. */
  static int openat2(int directory, byte[] path, int flags, int mode, long resolve) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment how = arena.allocate(OPEN_HOW_BYTES, 8);
      how.set(JAVA_LONG, 0, flags | O_CLOEXEC);
      how.set(JAVA_LONG, 8, mode);
      how.set(JAVA_LONG, 16, resolve);
      MemorySegment state = arena.allocate(STATE);
      long result = (long) SYSCALL.invokeExact(state, SYS_OPENAT2, directory, text(arena, path), how, OPEN_HOW_BYTES);
      return (int) outcome(result, state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static void close(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      int ignored = (int) CLOSE.invokeExact(arena.allocate(STATE), descriptor);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int fsync(int descriptor) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) FSYNC.invokeExact(state, descriptor), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int mkdirat(int directory, byte[] name, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) MKDIRAT.invokeExact(state, directory, text(arena, name), mode), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int unlinkat(int directory, byte[] name, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) UNLINKAT.invokeExact(state, directory, text(arena, name), flags), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int renameat2(int fromDirectory, byte[] from, int toDirectory, byte[] to, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) RENAMEAT2.invokeExact(
          state, fromDirectory, text(arena, from), toDirectory, text(arena, to), flags), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int linkat(int fromDirectory, byte[] from, int toDirectory, byte[] to) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) LINKAT.invokeExact(
          state, fromDirectory, text(arena, from), toDirectory, text(arena, to), 0), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int symlinkat(byte[] target, int directory, byte[] name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome(
          (int) SYMLINKAT.invokeExact(state, text(arena, target), directory, text(arena, name)), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Fills the array with the link's target and returns the length. */
  static int readlinkat(int directory, byte[] name, byte[] target) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment buffer = arena.allocate(target.length);
      long result = outcome((long) READLINKAT.invokeExact(
          state, directory, text(arena, name), buffer, (long) target.length), state);
      if (result > 0) {
        MemorySegment.copy(buffer, JAVA_BYTE, 0, target, 0, (int) result);
      }
      return (int) result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** statx(2) without following a link; empty name and AT_EMPTY_PATH for the descriptor itself. */
  static int statx(int directory, byte[] name, int flags, Stat[] result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment s = arena.allocate(STATX_BYTES, 8);
      int outcome = (int) outcome((int) STATX.invokeExact(
          state, directory, text(arena, name), flags | AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, s), state);
      if (outcome == 0) {
        result[0] = new Stat(
            s.get(JAVA_LONG, 32),
            Integer.toUnsignedLong(s.get(JAVA_INT, 136)) << 32 | Integer.toUnsignedLong(s.get(JAVA_INT, 140)),
            s.get(JAVA_INT, 28) & 0xFFFF,
            s.get(JAVA_LONG, 40),
            Integer.toUnsignedLong(s.get(JAVA_INT, 16)),
            s.get(JAVA_LONG, 64), s.get(JAVA_INT, 72),
            s.get(JAVA_LONG, 112), s.get(JAVA_INT, 120),
            s.get(JAVA_LONG, 96), s.get(JAVA_INT, 104));
      }
      return outcome;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int chmod(byte[] path, int mode) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) CHMOD.invokeExact(state, text(arena, path), mode), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int truncate(byte[] path, long size) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) TRUNCATE.invokeExact(state, text(arena, path), size), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** utimensat(2) with seconds and nanoseconds of access and modification; nanoseconds may be UTIME_OMIT. */
  static int utimensat(int directory, byte[] name, long[] times, int flags) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment specs = arena.allocateFrom(JAVA_LONG, times);
      return (int) outcome((int) UTIMENSAT.invokeExact(state, directory, text(arena, name), specs, flags), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** getxattr(2): fills the array and returns the length; with an empty array only the length. */
  static int getxattr(byte[] path, byte[] name, byte[] value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment buffer = arena.allocate(Math.max(1, value.length));
      long result = outcome((long) GETXATTR.invokeExact(
          state, text(arena, path), text(arena, name), buffer, (long) value.length), state);
      if (result > 0 && value.length > 0) {
        MemorySegment.copy(buffer, JAVA_BYTE, 0, value, 0, (int) result);
      }
      return (int) result;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** setxattr(2), whether or not there is such an attribute yet. */
  static int setxattr(byte[] path, byte[] name, byte[] value) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) SETXATTR.invokeExact(state, text(arena, path), text(arena, name), text(arena, value),
          (long) value.length, 0), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int removexattr(byte[] path, byte[] name) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((int) REMOVEXATTR.invokeExact(state, text(arena, path), text(arena, name)), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  static int fstatvfs(int descriptor, SpaceInfo[] result) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment s = arena.allocate(STATVFS_BYTES, 8);
      int outcome = (int) outcome((int) FSTATVFS.invokeExact(state, descriptor, s), state);
      if (outcome == 0) {
        result[0] = new SpaceInfo(
            s.get(JAVA_LONG, 0), s.get(JAVA_LONG, 8), s.get(JAVA_LONG, 16), s.get(JAVA_LONG, 24),
            s.get(JAVA_LONG, 32), s.get(JAVA_LONG, 40), s.get(JAVA_LONG, 48), s.get(JAVA_LONG, 56),
            (s.get(JAVA_LONG, 72) & 1) != 0, s.get(JAVA_LONG, 80));
      }
      return outcome;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** statfs(2), of which the number of the file system's type is kept. */
  static int statfs(byte[] path, long[] type) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      MemorySegment s = arena.allocate(STATFS_BYTES, 8);
      int outcome = (int) outcome((int) STATFS.invokeExact(state, text(arena, path), s), state);
      type[0] = s.get(JAVA_LONG, 0);
      return outcome;
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** getdents64(2): fills the buffer with struct linux_dirent64 and returns the number of bytes, 0 at the end. */
  static int getdents64(int directory, MemorySegment buffer) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment state = arena.allocate(STATE);
      return (int) outcome((long) GETDENTS64.invokeExact(state, directory, buffer, buffer.byteSize()), state);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  /** Says why these calls can't be used on this platform, or nothing if they can. */
  static Optional<String> problem() {
    String arch = System.getProperty("os.arch");
    if (!System.getProperty("os.name").equals("Linux")) {
      return Optional.of("the system is not Linux");
    }
    if (!arch.equals("amd64") && !arch.equals("aarch64")) {
      return Optional.of("the architecture is " + arch + ", known are amd64 and aarch64");
    }
    int descriptor = openat2(AT_FDCWD, new byte[] {'/'}, O_PATH | O_DIRECTORY, 0, RESOLVE_IN_ROOT);
    if (descriptor < 0) {
      return Optional.of("openat2 answers errno " + -descriptor + " (needs Linux 5.6 and a seccomp profile that allows it)");
    }
    close(descriptor);
    return java.nio.file.Files.isDirectory(java.nio.file.Path.of("/proc/self/fd"))
        ? Optional.empty() : Optional.of("/proc is not mounted");
  }

  private static MethodHandle call(String name, MemoryLayout... arguments) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_INT, arguments), Linker.Option.captureCallState("errno"));
  }

  private static MethodHandle longCall(String name, MemoryLayout... arguments) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name),
        FunctionDescriptor.of(JAVA_LONG, arguments), Linker.Option.captureCallState("errno"));
  }

  private static MemorySegment text(Arena arena, byte[] bytes) {
    MemorySegment segment = arena.allocate(bytes.length + 1L);
    MemorySegment.copy(bytes, 0, segment, JAVA_BYTE, 0, bytes.length);
    return segment;
  }

  private static long outcome(long result, MemorySegment state) {
    return result >= 0 ? result : -(int) ERRNO.get(state, 0L);
  }

  private static IllegalStateException unexpected(Throwable e) {
    return new IllegalStateException("a system call could not be made", e);
  }
}
