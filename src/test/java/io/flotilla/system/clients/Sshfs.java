package io.flotilla.system.clients;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** sshfs: the user's root mounted as a directory for each command, and the usual programs in it. */
public final class Sshfs implements FileClient {
  // sshfs doesn't wait for an answer to closing a file: only its ssh, when it has ended, has brought all to the server.
  // The mount is a child of the script and lives no longer than it, unless both are killed; then nobody serves the directory.
  private static final String IN_MOUNT = """
      mount=$(mktemp -d mount-XXXXXX) && mount=$PWD/$mount || exit 1
      sshfs -f -o "$OPTIONS" "$TARGET:/" "$mount" < /dev/null & sshfs=$!
      until mountpoint -q "$mount"; do kill -0 $sshfs || exit 1; sleep 0.05; done
      (cd "$mount" && eval "$ACTION"); status=$?
      ssh=$(ps -o pid= --ppid $sshfs)
      fusermount -u "$mount" && wait $sshfs && rmdir "$mount" || exit 1
      while kill -0 $ssh 2> /dev/null; do sleep 0.05; done
      exit $status
      """;

  @Override
  public String name() {
    return "sshfs";
  }

  @Override
  public Optional<String> whyMissing() {
    return Files.exists(Path.of("/dev/fuse")) ? Optional.empty() : Optional.of("this machine has no /dev/fuse");
  }

  @Override
  public Command list(Site site, String directory) {
    return inMount(site, "ls -1a ./\"$1\"", directory);
  }

  @Override
  public Command put(Site site, Path local, String remote) {
    return inMount(site, "cp \"$1\" ./\"$2\"", local.toString(), remote);
  }

  @Override
  public Command get(Site site, String remote, Path local) {
    return inMount(site, "cp ./\"$1\" \"$2\"", remote, local.toString());
  }

  @Override
  public Command resumePut(Site site, Path local, String remote) {
    return inMount(site, "at=$(stat -c %s ./\"$2\") && dd if=\"$1\" of=./\"$2\" bs=64K skip=$at seek=$at iflag=skip_bytes "
        + "oflag=seek_bytes conv=notrunc,nocreat", local.toString(), remote);
  }

  @Override
  public Command resumeGet(Site site, String remote, Path local) {
    return inMount(site, "at=$(stat -c %s \"$2\") && tail -c +$((at + 1)) ./\"$1\" >> \"$2\"", remote, local.toString());
  }

  @Override
  public Command rename(Site site, String remote, String newName) {
    return inMount(site, "mv ./\"$1\" ./\"$2\"", remote, newName);
  }

  @Override
  public Command delete(Site site, String remote) {
    return inMount(site, "rm ./\"$1\"", remote);
  }

  @Override
  public Command makeDirectory(Site site, String remote) {
    return inMount(site, "mkdir ./\"$1\"", remote);
  }

  @Override
  public Command putAll(Site site, Path directory, String parent) {
    return inMount(site, "cp -r \"$1\" ./\"$2\"", directory.toString(), parent);
  }

  @Override
  public Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return inMount(site, "cp -r ./\"$1\" \"$2\"", directory, localParent.toString());
  }

  @Override
  public Optional<Command> afterKill() {
    return Optional.of(Command.of(List.of("sh", "-c", "for mount in mount-*; do fusermount -u -z \"$mount\"; rmdir \"$mount\"; done")));
  }

  private static Command inMount(Site site, String action, String... arguments) {
    OpenSshOptions ssh = new OpenSshOptions(site);
    List<String> line = new ArrayList<>(List.of("sh", "-c", IN_MOUNT, "sshfs"));
    line.addAll(Arrays.asList(arguments));
    return Command.of(line).with(ssh.environment()).with(java.util.Map.of("ACTION", action, "TARGET", site.target(),
        "OPTIONS", "port=" + site.sftpPort() + "," + String.join(",", ssh.options())));
  }
}
