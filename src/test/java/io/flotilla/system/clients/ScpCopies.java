package io.flotilla.system.clients;

import java.nio.file.Path;
import java.util.List;

/** A program with the command line of scp: it copies between a path here and one there. */
abstract class ScpCopies implements FileClient {

  /** Runs the program with options and the two paths. */
  abstract Command copy(Site site, String... arguments);

  static String there(Site site, String remote) {
    return site.target() + ":/" + remote;
  }

  @Override
  public final Command put(Site site, Path local, String remote) {
    return copy(site, local.toString(), there(site, remote));
  }

  @Override
  public final Command get(Site site, String remote, Path local) {
    return copy(site, there(site, remote), local.toString());
  }

  @Override
  public final Command putAll(Site site, Path directory, String parent) {
    return copy(site, "-r", directory.toString(), there(site, parent));
  }

  @Override
  public final Command getAll(Site site, String directory, List<String> names, Path localParent) {
    return copy(site, "-r", there(site, directory), localParent.toString());
  }
}
