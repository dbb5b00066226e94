package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * A file transfer program with one protocol. Paths of the server are given without a slash at their begin, from the user's root.
 * Whatever it has no way to do throws {@link CannotDo}.
 */
public interface FileClient {
  String name();

  /** Why it can't run on this machine, if so. */
  default Optional<String> whyMissing() {
    return Optional.empty();
  }

  /** Prints the names in a directory; the root if it is empty. */
  Command list(Site site, String directory);

  Command put(Site site, Path local, String remote);

  Command get(Site site, String remote, Path local);

  default Command resumePut(Site site, Path local, String remote) {
    throw new CannotDo("has no way to go on with a broken transfer");
  }

  default Command resumeGet(Site site, String remote, Path local) {
    throw new CannotDo("has no way to go on with a broken transfer");
  }

  default Command rename(Site site, String remote, String newName) {
    throw new CannotDo("only copies files");
  }

  default Command delete(Site site, String remote) {
    throw new CannotDo("only copies files");
  }

  default Command makeDirectory(Site site, String remote) {
    throw new CannotDo("only copies files");
  }

  /**
   * Uploads a directory with its files, under its own name.
   *
   * @param parent a directory that is there
   */
  Command putAll(Site site, Path directory, String parent);

  /**
   * Downloads a directory with its files, under its own name.
   *
   * @param names of the files, for a client that can't look
   * @param localParent a directory that is there
   */
  Command getAll(Site site, String directory, List<String> names, Path localParent);

  /** The names among some that it can't say, each with the reason. */
  default Map<String, String> cannotSay(List<String> names) {
    return Map.of();
  }

  /** Why a directory has to be there before its files are uploaded, if so. */
  default Optional<String> whyNoDirectories() {
    return Optional.empty();
  }

  /** Why an upload over a file that is there changes that file, if the client asks for it. */
  default Optional<String> whyInPlace() {
    return Optional.empty();
  }

  /** What is to be run where it worked after it was killed, if it leaves anything. */
  default Optional<Command> afterKill() {
    return Optional.empty();
  }

  /** The last name of a path. */
  static String lastName(String path) {
    return path.substring(path.lastIndexOf('/') + 1);
  }

  /** Those names that hold a newline, with one reason. */
  static Map<String, String> withNewline(List<String> names, String reason) {
    return names.stream().filter(name -> name.contains("\n")).collect(java.util.stream.Collectors.toMap(name -> name, name -> reason));
  }

  /** What keeps clients of the old scp protocol from a newline. */
  String SCP_RECORDS_ARE_LINES = "no newline in names: the old protocol's records are lines";

  /** What keeps every FTP client from a newline (RFC 959 section 5.3). */
  String FTP_COMMANDS_ARE_LINES = "no newline in names: FTP's commands are lines";
}
