package io.flotilla.node.cli;

import com.sun.security.auth.module.UnixSystem;
import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.attribute.UserPrincipal;

/** Users of this machine, comparable with the owners of files: two are equal if they have one id. */
final class LocalUsers {
  private LocalUsers() {}

  /** The user with an id; who has no name is known by the digits. */
  static UserPrincipal of(int id) throws IOException {
    return FileSystems.getDefault().getUserPrincipalLookupService().lookupPrincipalByName(Integer.toString(id));
  }

  /** Who has started this process. */
  static UserPrincipal self() throws IOException {
    return of(Math.toIntExact(new UnixSystem().getUid()));
  }

  static UserPrincipal root() throws IOException {
    return of(0);
  }
}
