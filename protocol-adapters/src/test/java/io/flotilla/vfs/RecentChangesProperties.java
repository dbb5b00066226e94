package io.flotilla.vfs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.RecentChange.Draft;
import io.flotilla.vfs.RecentChange.Other;
import io.flotilla.vfs.RecentChange.Removed;
import io.flotilla.vfs.RecentChange.State;
import io.flotilla.vfs.RecentChange.Version;
import io.flotilla.vfs.RecentChange.Written;
import io.flotilla.vfs.RecentChanges.Batch;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import net.jqwik.api.Tuple;

/** Whatever is changed where, and in whatever order it is heard: when all is heard, all nodes think the same of every path. */
class RecentChangesProperties {
  private static final int NODES = 3;
  private static final List<String> PATHS = List.of("/a", "/b", "/d", "/d/a", "/d/e/a");

  /** Either a change of a path at a node, or a node hears some of what another one has to tell. */
  record Step(int node, int other, int path, int state, boolean isChange, int most) {}

  @Provide
  Arbitrary<List<Step>> steps() {
    return Combinators.combine(Arbitraries.integers().between(0, NODES - 1), Arbitraries.integers().between(0, NODES - 1),
        Arbitraries.integers().between(0, PATHS.size() - 1), Arbitraries.integers().between(0, 6), Arbitraries.of(true, false),
        Arbitraries.integers().between(1, 3)).as(Step::new).list().ofMaxSize(60);
  }

  private static State state(int number) {
    Version version = new Version(number, Instant.ofEpochSecond(number));
    return switch (number) {
      case 0 -> new Other();
      case 1 -> new Removed(true, version);
      case 2 -> new Written(true, version, 0755);
      case 3 -> new Removed(false, version);
      default -> new Written(false, version, 0644);
    };
  }

  private static final class Quiet implements RecentChanges.Events {
    private int conflicts;

    @Override
    public void conflict(RecentChanges.Conflict conflict) {
      conflicts++;
    }

    @Override
    public void forgotten(String node, int count) {
      throw new AssertionError("nothing is that much");
    }
  }

  private static void hear(RecentChanges listener, RecentChanges teller, String name, int most) {
    try {
      listener.heard(name, teller.after(listener.heardOf(name), most, Duration.ZERO));
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  @Property
  void allNodes_thinkTheSame_whenAllIsHeard(@ForAll("steps") List<Step> steps) throws VfsException {
    List<RecentChanges> nodes = new ArrayList<>();
    Quiet quiet = new Quiet();
    for (int i = 0; i < NODES; i++) {
      long skew = i * 3; // clocks that stand still, and differ
      nodes.add(new RecentChanges(name(i), _ -> Duration.ofHours(1), () -> 10 + skew, () -> 0, quiet));
    }
    for (Step step : steps) {
      RecentChanges node = nodes.get(step.node());
      if (step.isChange()) {
        node.made("main", List.of(new Draft(VirtualPath.parse(PATHS.get(step.path())), state(step.state()))), Long.MAX_VALUE);
      } else if (step.other() != step.node()) {
        hear(node, nodes.get(step.other()), name(step.other()), step.most());
      }
      checkIndex(node);
    }
    for (int i = 0; i < NODES; i++) {
      for (int j = 0; j < NODES; j++) {
        if (i != j) {
          hear(nodes.get(i), nodes.get(j), name(j), 1000);
        }
      }
      checkIndex(nodes.get(i));
    }
    for (String path : PATHS) {
      // The node that made the newest change expects nothing; all others expect the same.
      Set<Object> thoughts = new HashSet<>();
      int silent = 0;
      for (RecentChanges node : nodes) {
        Optional<RecentChanges.Known> known = node.expected("main", VirtualPath.parse(path));
        known.ifPresent(one -> thoughts.add(Tuple.of(one.node(), one.state())));
        silent += known.isEmpty() ? 1 : 0;
      }
      assertTrue(thoughts.isEmpty() && silent == NODES || thoughts.size() == 1 && silent == 1, path + ": " + thoughts + ", " + silent);
    }
  }

  private static String name(int node) {
    return "node-" + node;
  }

  /** What leads to the expected from above is there, and nothing else is. */
  private static void checkIndex(RecentChanges node) throws VfsException {
    Map<VirtualPath, Set<VirtualPath>> wanted = new TreeMap<>();
    for (String text : PATHS) {
      VirtualPath path = VirtualPath.parse(text);
      if (node.expected("main", path).isPresent()) {
        for (VirtualPath at = path; !at.isRoot(); at = at.parent()) {
          wanted.computeIfAbsent(at.parent(), _ -> new HashSet<>()).add(at);
        }
      }
    }
    for (String directory : List.of("/", "/d", "/d/e", "/a")) {
      VirtualPath path = VirtualPath.parse(directory);
      assertEquals(wanted.getOrDefault(path, Set.of()), Set.copyOf(node.changedIn("main", path)));
    }
    assertEquals(!wanted.isEmpty(), node.hasForeign("main"));
  }

  @Property
  void whatIsOver_leavesNothing(@ForAll("steps") List<Step> steps) throws VfsException {
    long[] now = new long[1];
    RecentChanges teller = new RecentChanges("node-1", _ -> Duration.ofSeconds(5), () -> now[0] / 1000, () -> now[0], new Quiet());
    RecentChanges listener = new RecentChanges("node-2", _ -> Duration.ofSeconds(5), () -> now[0] / 1000, () -> now[0], new Quiet());
    for (Step step : steps) {
      now[0] += Duration.ofSeconds(step.most()).toNanos();
      teller.made("main", List.of(new Draft(VirtualPath.parse(PATHS.get(step.path())), state(step.state()))), Long.MAX_VALUE);
      if (step.isChange()) {
        hear(listener, teller, "node-1", 1000);
        listener.expire();
        checkIndex(listener);
      }
    }
    now[0] += Duration.ofSeconds(6).toNanos();
    teller.expire();
    listener.expire();
    assertEquals(0, teller.size() + listener.size());
    checkIndex(listener);
  }

  @Property
  void sameChangesTwice_areAsOnce(@ForAll("steps") List<Step> steps) throws Exception {
    RecentChanges teller = new RecentChanges("node-1", _ -> Duration.ofHours(1), () -> 1, () -> 0, new Quiet());
    for (Step step : steps) {
      teller.made("main", List.of(new Draft(VirtualPath.parse(PATHS.get(step.path())), state(step.state()))), Long.MAX_VALUE);
    }
    RecentChanges listener = new RecentChanges("node-2", _ -> Duration.ofHours(1), () -> 1, () -> 0, new Quiet());
    Batch all = teller.after(listener.heardOf("node-1"), 1000, Duration.ZERO);
    listener.heard("node-1", all);
    int size = listener.size();
    listener.heard("node-1", all);
    assertEquals(size, listener.size());
    checkIndex(listener);
  }
}
