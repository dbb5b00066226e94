package io.flotilla.system.clients;

import java.nio.file.Path;

/** A program that is given sftp's commands as lines; PuTTY's have the words of OpenSSH's. */
abstract class SftpBatch implements FileClient {

  /** Runs the program with commands. */
  abstract Command batch(Site site, String commands);

  /** A path as the program reads it. */
  abstract String quote(String path);

  @Override
  public final Command put(Site site, Path local, String remote) {
    return batch(site, "put " + quote(local.toString()) + " " + quote(remote));
  }

  @Override
  public final Command get(Site site, String remote, Path local) {
    return batch(site, "get " + quote(remote) + " " + quote(local.toString()));
  }

  @Override
  public final Command resumePut(Site site, Path local, String remote) {
    return batch(site, "reput " + quote(local.toString()) + " " + quote(remote));
  }

  @Override
  public final Command resumeGet(Site site, String remote, Path local) {
    return batch(site, "reget " + quote(remote) + " " + quote(local.toString()));
  }

  @Override
  public final Command delete(Site site, String remote) {
    return batch(site, "rm " + quote(remote));
  }

  @Override
  public final Command makeDirectory(Site site, String remote) {
    return batch(site, "mkdir " + quote(remote));
  }
}
