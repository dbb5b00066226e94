package io.flotilla.system;

import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.Assertions.assertEquals;

import java.io.IOException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicBoolean;

/** Clients that make users, one through each of some nodes, one after another, and remember what was acknowledged. */
final class Load implements AutoCloseable {
  private final TestCluster cluster;
  private final Map<String, Long> acknowledged = Collections.synchronizedMap(new TreeMap<>());
  private final Set<Integer> answers = Collections.synchronizedSet(new TreeSet<>());
  private final AtomicBoolean going = new AtomicBoolean(true);
  private final List<Thread> clients = new ArrayList<>();

  /** @param name begins the users' names; each load of a cluster needs its own */
  Load(TestCluster cluster, String name, int... nodes) {
    this.cluster = cluster;
    for (int k : nodes) {
      clients.add(Thread.ofVirtual().start(() -> {
        for (int i = 0; going.get(); i++) {
          create(k, name + "-" + k + "-" + i);
        }
      }));
    }
  }

  private void create(int k, String user) {
    try {
      AdminApi.Answer answer = cluster.api(k).put("/api/v1/config/users/" + user + "?timeout=2s", "{}");
      answers.add(answer.status());
      if (answer.status() / 100 == 2) {
        acknowledged.put(user, answer.body().path("version").asLong());
      }
    } catch (IOException e) {
      // Not acknowledged.
    }
  }

  void awaitMore(int more) {
    int before = acknowledged.size();
    await().atMost(TestCluster.SOON).until(() -> acknowledged.size() >= before + more);
  }

  /** The statuses that were answered, other than those expected. */
  Set<Integer> answersBut(Integer... expected) {
    Set<Integer> others = new TreeSet<>(answers);
    others.removeAll(Set.of(expected));
    return others;
  }

  @Override
  public void close() throws InterruptedException {
    going.set(false);
    for (Thread client : clients) {
      client.join();
    }
  }

  /** After it was closed and the nodes have converged: each user is on every node, and had a version of its own. */
  void check(int... nodes) throws IOException {
    assertEquals(acknowledged.size(), new HashSet<>(acknowledged.values()).size());
    Set<String> digests = new HashSet<>();
    for (int k : nodes) {
      for (String user : acknowledged.keySet()) {
        cluster.api(k).get("/api/v1/config/users/" + user).expect(200);
      }
      digests.add(cluster.member(nodes[0], cluster.name(k)).path("digest").asText());
    }
    assertEquals(1, digests.size());
  }
}
