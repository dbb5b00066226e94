package io.flotilla.node.cli;

import java.io.IOException;
import java.nio.channels.Channels;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.nio.file.SecureDirectoryStream;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFileAttributes;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.UserPrincipal;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * A small file that a command goes by, such as a token, with the user whose it is. Unless somebody has named it, its directory is held open while it
 * and the file are judged and the file is read, so that nobody can put another in its place in between; links in it are not followed.
 */
record OwnedFile(String text, UserPrincipal owner) {
  private static final int MAX_BYTES = 1 << 20;
  private static final Set<PosixFilePermission> OTHERS_WRITE = Set.of(PosixFilePermission.GROUP_WRITE, PosixFilePermission.OTHERS_WRITE);

  /** Says of the directory itself, and then of the file in it, if it is not to be trusted. */
  private interface Judge {
    void judge(PosixFileAttributes directory, PosixFileAttributes one);
  }

  /**
   * One that the user has named, and so trusts, wherever links lead.
   *
   * @return nothing if it is not there or can't be read
   */
  static Optional<OwnedFile> named(Path file) throws IOException {
    return Files.isReadable(file) ? Optional.of(new OwnedFile(Files.readString(file), Files.getOwner(file))) : Optional.empty();
  }

  /**
   * One in a directory that nobody has named, which anybody may have left there, as in /tmp.
   *
   * @return nothing if there is no such directory or file, or it can't be read
   * @throws CommandFailedException if another user than this one and root says what is in the directory or in the file
   */
  static Optional<OwnedFile> found(Path directory, String name) throws IOException {
    Set<UserPrincipal> trusted = new HashSet<>(List.of(LocalUsers.self(), LocalUsers.root()));
    return read(directory, name, (around, one) -> {
      if (!trusted.contains(one.owner()) || one.permissions().stream().anyMatch(OTHERS_WRITE::contains)) {
        Path what = one == around ? directory : directory.resolve(name);
        throw new CommandFailedException("the local cluster in " + directory + " belongs to another user, or others can write there: look at " + what
            + "; if it is yours, take that away by 'chmod go-w " + what + "', or, if you trust it, name it by --dir");
      }
    });
  }

  /**
   * One of a node, which root may ask for: the node's user can put what he likes into his directory, and has no business with files of others.
   *
   * @return nothing if there is no such directory or file, or it can't be read
   * @throws CommandFailedException if the file is not the directory's owner's
   */
  static Optional<OwnedFile> ofNode(Path directory, String name) throws IOException {
    return read(directory, name, (around, file) -> {
      if (!file.owner().equals(around.owner())) {
        throw new CommandFailedException("the file " + directory.resolve(name) + " belongs to the user " + file.owner().getName() + " and its directory to "
            + around.owner().getName() + ", so it was not read; if you trust it, name it by --token-file");
      }
    });
  }

  private static Optional<OwnedFile> read(Path directory, String name, Judge judge) throws IOException {
    Path relative = Path.of(name);
    try (DirectoryStream<Path> opened = Files.newDirectoryStream(directory)) {
      if (!(opened instanceof SecureDirectoryStream<Path> here)) {
        throw new IOException("this system can't hold " + directory + " open while it is judged; name it by --dir, or the token by --token-file");
      }
      PosixFileAttributes around = here.getFileAttributeView(PosixFileAttributeView.class).readAttributes();
      judge.judge(around, around);
      PosixFileAttributes file = here.getFileAttributeView(relative, PosixFileAttributeView.class, LinkOption.NOFOLLOW_LINKS).readAttributes();
      if (!file.isRegularFile()) {
        throw new CommandFailedException(directory.resolve(name) + " is a link, or no file, so it was not read; name it by --token-file, or its directory "
            + "by --dir");
      }
      judge.judge(around, file);
      try (SeekableByteChannel channel = here.newByteChannel(relative, Set.of(StandardOpenOption.READ, LinkOption.NOFOLLOW_LINKS))) {
        return Optional.of(new OwnedFile(new String(Channels.newInputStream(channel).readNBytes(MAX_BYTES), StandardCharsets.UTF_8), file.owner()));
      }
    } catch (NoSuchFileException | NotDirectoryException | AccessDeniedException e) {
      return Optional.empty();
    }
  }
}
