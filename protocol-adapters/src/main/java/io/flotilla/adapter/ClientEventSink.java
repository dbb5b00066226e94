package io.flotilla.adapter;

/** Receives events on the thread where they happen. Must not block and must not throw. */
@FunctionalInterface
public interface ClientEventSink {
  void accept(ClientEvent event);
}
