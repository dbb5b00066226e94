package io.flotilla.http.dav;

import java.util.Collection;

/** Tells the other nodes of locks. Blocks until they have heard it, for a second at most; it never throws. Safe for all threads. */
public interface LockNews {
  /** Where there is no other node. */
  LockNews NONE = new LockNews() {
    @Override
    public void holds(Lock lock) {
      // nobody is to be told
    }

    @Override
    public void gone(Collection<String> tokens) {
      // nobody is to be told
    }
  };

  /** A lock was granted or refreshed. */
  void holds(Lock lock);

  void gone(Collection<String> tokens);
}
