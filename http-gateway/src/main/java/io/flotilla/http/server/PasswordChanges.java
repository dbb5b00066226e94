package io.flotilla.http.server;

import java.net.InetAddress;
import java.util.concurrent.CompletionStage;

/** By which users change their own passwords, on all nodes. Safe for all threads. */
public interface PasswordChanges {
  /** What became of a change. */
  sealed interface Outcome {
    /** It counts on every node that can be reached. */
    record Changed() implements Outcome {}

    /** Nothing was changed, and it would not be the next time either. */
    record Refused(String reason) implements Outcome {}

    /** Nothing was changed; it may be tried again. */
    record Unavailable(String reason) implements Outcome {}

    /** Whether it was changed is not known. */
    record Unknown(String reason) implements Outcome {}
  }

  /**
   * Changes a password that was just checked to be the user's.
   *
   * @param version of the user's entity by which that was checked: what an administrator has changed since is not overwritten
   * @param address from which the user came
   * @return never fails but for a defect; completed after some seconds at the latest
   */
  CompletionStage<Outcome> change(String user, long version, String password, InetAddress address);
}
