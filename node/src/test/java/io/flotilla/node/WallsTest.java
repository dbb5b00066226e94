package io.flotilla.node;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The walls of the house: imports run one way, node to http-gateway to protocol-adapters to config-actors. */
@AnalyzeClasses(packages = "io.flotilla", importOptions = ImportOption.DoNotIncludeTests.class)
class WallsTest {
  private static final String[] CONFIG = {"io.flotilla.config..", "io.flotilla.claim..", "io.flotilla.journal..",
      "io.flotilla.persistence..", "io.flotilla.log.."};
  private static final String[] ADAPTERS =
      {"io.flotilla.vfs..", "io.flotilla.auth..", "io.flotilla.tls..", "io.flotilla.sftp..", "io.flotilla.scp..", "io.flotilla.ftp..",
          "io.flotilla.adapter..", "io.flotilla.transport.."};
  private static final String[] ENGINES = {"io.flotilla.journal.raft..", "io.flotilla.journal.postgresql.."};
  private static final String HTTP = "io.flotilla.http..";
  private static final String NODE = "io.flotilla.node..";
  private static final String[] LIBRARIES_OF_ACTORS = {"org.apache.pekko..", "org.apache.ratis..", "java.sql.."};

  @ArchTest
  static final ArchRule configImportsNothingAbove =
      noClasses().that().resideInAnyPackage(CONFIG).should().dependOnClassesThat()
          .resideInAnyPackage(ADAPTERS)
          .orShould().dependOnClassesThat().resideInAnyPackage(HTTP, NODE);

  @ArchTest
  static final ArchRule adaptersImportNothingAbove =
      noClasses().that().resideInAnyPackage(ADAPTERS).should().dependOnClassesThat().resideInAnyPackage(HTTP, NODE);

  @ArchTest
  static final ArchRule httpImportsNothingAbove =
      noClasses().that().resideInAPackage(HTTP).should().dependOnClassesThat().resideInAPackage(NODE);

  @ArchTest
  static final ArchRule modelKnowsNoActorProtocolOrHttp =
      noClasses().that().resideInAnyPackage("io.flotilla.config.model..", "io.flotilla.config.event..")
          .should().dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko..", "org.apache.ratis..", "org.apache.sshd..", "java.net.http..");

  @ArchTest
  static final ArchRule viewKnowsNoActor =
      noClasses().that().resideInAPackage("io.flotilla.config.view..").should().dependOnClassesThat()
          .resideInAnyPackage(LIBRARIES_OF_ACTORS);

  @ArchTest
  static final ArchRule protocolsNeverTalkToTheCluster =
      noClasses().that().resideInAnyPackage(ADAPTERS).should().dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko..", "org.apache.ratis..", "io.flotilla.config.cluster..",
              "io.flotilla.journal..");

  @ArchTest
  static final ArchRule fileServiceByHttpNeverTalksToTheCluster =
      noClasses().that().resideInAnyPackage("io.flotilla.http.server..", "io.flotilla.http.files..", "io.flotilla.http.sessions..",
          "io.flotilla.http.uploads..", "io.flotilla.http.dav..", "io.flotilla.http.web..").should().dependOnClassesThat()
          .resideInAnyPackage("org.apache.pekko.cluster..", "io.flotilla.config.cluster..", "io.flotilla.http.admin..");

  @ArchTest
  static final ArchRule theJournalIsUsedThroughTheNodeOnly =
      noClasses().that().resideInAnyPackage("io.flotilla.config..", "io.flotilla.claim..", HTTP).should().dependOnClassesThat()
          .resideInAnyPackage(ENGINES);

  @ArchTest
  static final ArchRule whatBothJournalsSayKnowsNeither =
      noClasses().that().resideInAPackage("io.flotilla.journal").should().dependOnClassesThat()
          .resideInAnyPackage("io.flotilla.journal.*..", "org.apache.pekko..", "org.apache.ratis..", "java.sql..");

  @ArchTest
  static final ArchRule theEmbeddedJournalKnowsNoDatabase =
      noClasses().that().resideInAPackage("io.flotilla.journal.raft..").should().dependOnClassesThat()
          .resideInAnyPackage("io.flotilla.journal.postgresql..", "org.apache.pekko.persistence.jdbc..", "slick..", "java.sql..");

  @ArchTest
  static final ArchRule theDatabaseJournalKnowsNoRaft =
      noClasses().that().resideInAPackage("io.flotilla.journal.postgresql..").should().dependOnClassesThat()
          .resideInAnyPackage("io.flotilla.journal.raft..", "org.apache.ratis..");

  @ArchTest
  static final ArchRule packagesHaveNoCycles =
      slices().matching("io.flotilla.(*).(*)..").should().beFreeOfCycles();
}
