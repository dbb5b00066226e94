package io.flotilla.http;

import io.flotilla.vfs.VfsException;

/** What a failed file operation is to an HTTP client, unless the method gives it another meaning. Stateless. */
public final class StorageProblem {
  private StorageProblem() {}

  public static RefusedException of(VfsException failure) {
    String detail = failure.getMessage(); // names virtual paths only
    return switch (failure.error()) {
      case NOT_FOUND -> RefusedException.notFound(detail);
      case PERMISSION_DENIED, READ_ONLY -> RefusedException.forbidden(detail);
      case EXISTS, NOT_A_DIRECTORY, IS_A_DIRECTORY, NOT_EMPTY, TOO_MANY_LINKS, OTHER_DEVICE -> RefusedException.conflict(detail);
      case INVALID_NAME, NAME_TOO_LONG -> RefusedException.malformed(detail);
      case NO_SPACE, QUOTA_EXCEEDED ->
          new RefusedException(Problem.of(507, "no-space", "There is no room for it", detail));
      case TOO_LARGE -> new RefusedException(Problem.of(413, "too-large", "The file would be too large", detail));
      case BUSY -> new RefusedException(Problem.of(423, "locked", "It is in use", detail));
      case NOT_ARRIVED -> new RefusedException(Problem.of(503, "not-arrived", "It has not arrived here yet", detail));
      case UNSUPPORTED -> new RefusedException(Problem.of(501, "unsupported", "The storage can't do this", detail));
      case TOO_MANY_OPEN_FILES -> new RefusedException(Problem.of(503, "busy", "Not now", detail));
      case IO -> new RefusedException(Problem.of(500, "storage-failed", "The storage failed", detail));
    };
  }
}
