package io.flotilla.http.server;

import io.flotilla.adapter.Transfer;
import io.flotilla.vfs.OpenFile;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.HttpRequest;
import org.apache.pekko.http.javadsl.model.ResponseEntity;
import org.apache.pekko.util.ByteString;

/**
 * Moves the contents of files between a connection and the storage, past Pekko's streams where that can be. For one request, on the
 * thread that handles it.
 */
public interface FileBodies {
  /**
   * A part of a file as the body of the response.
   *
   * @param file taken over: closed when the body has been sent, or will not be
   * @param length in bytes, 0 or more; the file has to be as long
   * @param account told of the end, as is the file
   */
  ResponseEntity send(ContentType type, OpenFile file, long offset, long length, Transfer account);

  /**
   * A body that is made while it is sent, as chunks.
   *
   * @param body taken over: closed when all of it has been made, or nobody wants it any more
   */
  ResponseEntity produce(ContentType type, ProducedBody body);

  /**
   * Writes the body of the request to a file, from an offset on, as it comes.
   *
   * @param file taken over only as long as this runs; neither closed nor abandoned. It has to be left alone until then
   * @return the number of bytes, when the client has sent all of them. It fails with a VfsException if the storage did, and with another
   *     IOException if the client did not come to the end. Completed on the thread that handles the request
   */
  CompletionStage<Long> receive(HttpRequest request, OpenFile file, long offset, Transfer account);

  /**
   * Reads a body that is small, such as a form.
   *
   * @param most bytes that it may have
   * @return the body. It fails with a RefusedException if it is longer, and with an IOException if the client did not come to its end.
   *     Completed on the thread that handles the request
   */
  CompletionStage<ByteString> read(HttpRequest request, int most);
}
