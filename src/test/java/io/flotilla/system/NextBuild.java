package io.flotilla.system;

import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import javax.tools.JavaCompiler;
import javax.tools.StandardJavaFileManager;
import javax.tools.ToolProvider;

/**
 * A build of the product as a next release might be: this one's sources with a field more in a message, in the stored event
 * and in an entity, and with a message and a journal command more, compiled into a directory that goes before the product's jars.
 */
final class NextBuild {
  private static final String CONFIG = "config-actors/src/main/java/io/flotilla/config/";
  private static final String JOURNAL = "config-actors/src/main/java/io/flotilla/journal/raft/";
  private static final String CONTROL_PLANE = "node/src/main/java/io/flotilla/node/cluster/";

  private final Path directory;
  private final List<Path> files = new ArrayList<>();

  private NextBuild(Path directory) {
    this.directory = directory;
  }

  static Path compile(Path directory) throws IOException {
    NextBuild build = new NextBuild(directory);
    build.patch(CONFIG + "cluster/ConfigAnnouncement.java",
        "record HeadAnnounced(long epoch, long version, String digest) implements ConfigAnnouncement {}",
        """
        record HeadAnnounced(long epoch, long version, String digest, List<String> hints) implements ConfigAnnouncement {
          public HeadAnnounced {
            hints = hints == null ? List.of() : List.copyOf(hints);
          }
        }

        /** A message that the release before does not have. */
        record Greeted(long epoch, long version, String text) implements ConfigAnnouncement {}""");
    build.patch(CONFIG + "cluster/ConfigReplica.java",
        "case ConfigAnnouncement.HeadAnnounced head -> onHead(head);",
        """
        case ConfigAnnouncement.HeadAnnounced head -> {
          head.hints().stream().filter(hint -> !hinted).forEach(hint -> System.out.println("Next build: heard the hint " + hint));
          hinted |= !head.hints().isEmpty();
          yield onHead(head);
        }
        case ConfigAnnouncement.Greeted greeted -> {
          System.out.println("Next build: was greeted with " + greeted.text());
          yield Behaviors.same();
        }""",
        "private Behavior<Command> following() {",
        """
        private boolean hinted;

        private Behavior<Command> following() {""");
    build.patch(CONFIG + "cluster/HeadAnnouncer.java",
        "topic.tell(Topic.publish(new ConfigAnnouncement.HeadAnnounced(head.epoch(), head.version(), head.digest())));",
        """
        topic.tell(Topic.publish(new ConfigAnnouncement.HeadAnnounced(
            head.epoch(), head.version(), head.digest(), java.util.List.of("a hint"))));
        topic.tell(Topic.publish(new ConfigAnnouncement.Greeted(head.epoch(), head.version(), "a greeting")));""");
    build.patch(CONFIG + "cluster/ConfigPrimary.java",
        "events.primaryStarted(epoch.getAsLong(), state.config().version());",
        """
        events.primaryStarted(epoch.getAsLong(), state.config().version());
        state.history().values().forEach(change -> context.getLog().info(
            "Next build: recovered change {} with ticket {}", change.version(), change.ticket()));""");
    build.patch(CONFIG + "event/ConfigChanged.java",
        "List<EntityChange> changes, String digest,\n    @JsonInclude",
        "List<EntityChange> changes, String digest, String ticket,\n    @JsonInclude",
        "this(version, id, at, author, comment, changes, digest, null, Map.of());",
        "this(version, id, at, author, comment, changes, digest, \"of-\" + version, null, Map.of());",
        "entities, digest, lineage, others);", "entities, digest, ticket, lineage, others);",
        "changes, known, lineage, others);", "changes, known, ticket, lineage, others);",
        "  /** The version that this change follows. */",
        """
          public ConfigChanged(long version, String id, Instant at, Author author, String comment, List<EntityChange> changes,
              String digest, LineageBegun lineage, Map<String, Object> others) {
            this(version, id, at, author, comment, changes, digest, "of-" + version, lineage, others);
          }

          /** The version that this change follows. */""");
    build.patch(CONFIG + "model/User.java",
        "    UserSettings settings)",
        "    UserSettings settings,\n    Optional<String> nickname)",
        "UserSettings.read(fields));",
        "UserSettings.read(fields),\n        fields.text(\"nickname\"));",
        "json.put(\"hasPassword\", passwordHash.isPresent());",
        "json.put(\"hasPassword\", passwordHash.isPresent());\n    json.put(\"nickname\", nickname.orElse(null));",
        "new User(name, passwordHash, publicKeys, groups, all);",
        "new User(name, passwordHash, publicKeys, groups, all, nickname);");
    build.patch(JOURNAL + "JournalCommand.java",
        "case WishVoters _, ForgetNode _ -> 2;",
        "case WishVoters _, ForgetNode _ -> 2;\n            case Noted _ -> 3;",
        "    record WishVoters(List<VoterWish> wishes) implements JournalCommand {",
        """
            record Noted(String text) implements JournalCommand {}

            record WishVoters(List<VoterWish> wishes) implements JournalCommand {""");
    build.patch(JOURNAL + "JournalCodec.java",
        "LEVEL = 2;", "LEVEL = 3;",
        "case JournalCommand.ForgetNode c -> {",
        """
        case JournalCommand.Noted c -> {
          out.tag(11);
          out.text(c.text());
        }
        case JournalCommand.ForgetNode c -> {""",
        "case 10 -> new JournalCommand.ForgetNode(in.uuid());",
        "case 10 -> new JournalCommand.ForgetNode(in.uuid());\n                case 11 -> new JournalCommand.Noted(in.text());");
    build.patch(JOURNAL + "JournalStateMachine.java"); // the compiler has put the level's number into it
    build.patch(JOURNAL + "JournalTables.java",
        "case JournalCommand.ForgetNode c -> nodes.forget(c.nodeId());",
        """
        case JournalCommand.ForgetNode c -> nodes.forget(c.nodeId());
        case JournalCommand.Noted _ -> new JournalReply.Done();""");
    build.patch(CONTROL_PLANE + "VoterAdministration.java",
        "Optional<Outcome> refused = commit(membership, new JournalCommand.WishVoters(wishes));",
        """
        Optional<Outcome> noted = commit(membership, new JournalCommand.Noted("a note"));
        if (noted.isPresent()) {
          return noted.get();
        }
        Optional<Outcome> refused = commit(membership, new JournalCommand.WishVoters(wishes));""");
    return build.compile();
  }

  /** @param changes pairs of what is to be found in the source once, and what replaces it */
  private void patch(String file, String... changes) throws IOException {
    String source = Files.readString(NodeProcess.home().resolve(file));
    for (int i = 0; i < changes.length; i += 2) {
      int at = source.indexOf(changes[i]);
      if (at < 0 || source.indexOf(changes[i], at + 1) >= 0) {
        throw new AssertionError(file + " does not hold exactly one '" + changes[i] + "'; adapt the next build of this test");
      }
      source = source.replace(changes[i], changes[i + 1]);
    }
    Path patched = directory.resolve("sources").resolve(file);
    Files.createDirectories(patched.getParent());
    files.add(Files.writeString(patched, source));
  }

  private Path compile() throws IOException {
    Path classes = Files.createDirectories(directory.resolve("classes"));
    StringWriter output = new StringWriter();
    JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
    try (StandardJavaFileManager manager = compiler.getStandardFileManager(null, null, null)) {
      List<String> options = List.of("-d", classes.toString(), "-cp", jars(), "-parameters", "-proc:none", "-nowarn");
      if (!compiler.getTask(output, manager, null, options, null, manager.getJavaFileObjectsFromPaths(files)).call()) {
        throw new AssertionError("the next build does not compile; adapt it to the sources:\n" + output);
      }
    }
    return classes;
  }

  private static String jars() throws IOException {
    try (Stream<Path> jars = Files.list(NodeProcess.home().resolve("node/target/lib"))) {
      return NodeProcess.home().resolve("node/target/node.jar") + ":" + jars.map(Path::toString).collect(Collectors.joining(":"));
    }
  }
}
