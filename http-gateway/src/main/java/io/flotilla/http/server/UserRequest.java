package io.flotilla.http.server;

import io.flotilla.adapter.TransferLog;
import io.flotilla.auth.LoginResult;
import io.flotilla.vfs.VfsError;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import java.util.function.BooleanSupplier;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.stream.Materializer;

/**
 * A request of a user who has logged in. Used by the thread that handles it, which may block.
 *
 * @param path of the request target as it was sent, encoded and without its query
 * @param login whose request it is
 * @param files the user's tree; used by this request alone until it is answered
 * @param materializer for streams that belong to this request; of use only while it is being handled
 * @param isOver whether the connection has been ended, perhaps because the user may no longer do what is asked; to be looked at by
 *     whatever takes long
 */
public record UserRequest(HttpRequest http, String path, LoginResult.Granted login, VirtualFileSystem files, TransferLog transfers,
    FileBodies bodies, Materializer materializer, BooleanSupplier isOver) {
  /** @throws VfsException if nobody wants or may have the request any more */
  public void checkIsWanted() throws VfsException {
    if (isOver.getAsBoolean()) {
      throw new VfsException(VfsError.IO, "the connection has been ended");
    }
  }
}
