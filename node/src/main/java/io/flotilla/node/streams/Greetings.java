package io.flotilla.node.streams;

import java.net.InetAddress;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Connections of which nobody knows yet who they are. When there are as many as may be, one more costs another its place: the oldest of the
 * address that has most of them, so that who only holds places takes them from itself. Safe for all threads.
 */
final class Greetings {
  private final int max;
  /** The oldest first. */
  private final List<Greeting> greetings = new ArrayList<>();
  private boolean closed;

  private record Greeting(Socket connection, InetAddress address) {}

  Greetings(int max) {
    this.max = max;
  }

  /** @return who has to go for it: another, itself when all have to, or nobody */
  synchronized Optional<Socket> add(Socket connection, InetAddress address) {
    if (closed) {
      return Optional.of(connection);
    }
    Optional<Socket> leaving = greetings.size() < max ? Optional.empty() : Optional.of(leaving());
    greetings.add(new Greeting(connection, address));
    return leaving;
  }

  private Socket leaving() {
    Map<InetAddress, Long> held = greetings.stream().collect(Collectors.groupingBy(Greeting::address, Collectors.counting()));
    long most = held.values().stream().max(Long::compare).orElseThrow();
    Greeting oldest = greetings.stream().filter(greeting -> held.get(greeting.address) == most).findFirst().orElseThrow();
    greetings.remove(oldest);
    return oldest.connection;
  }

  /** It has said who it is, or is gone. */
  synchronized void remove(Socket connection) {
    greetings.removeIf(greeting -> greeting.connection == connection);
  }

  /** @return all that are there; those who come later have to go at once */
  synchronized List<Socket> close() {
    closed = true;
    return greetings.stream().map(Greeting::connection).toList();
  }
}
