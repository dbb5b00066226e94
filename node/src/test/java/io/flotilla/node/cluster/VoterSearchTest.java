package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.Lineage;
import io.flotilla.journal.raft.VoterPeer;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** Which of the voters that answer a node goes by. */
class VoterSearchTest {
  private final Lineage first = new Lineage(UUID.randomUUID());
  private final Lineage second = first.next();
  private final Lineage alsoSecond = first.next();

  @Test
  void newNode_takesTheNewestLineage_whateverOrderTheyAnswerIn() {
    assertEquals(second, chosen(Optional.empty(), admitted(first), admitted(second)));
    assertEquals(second, chosen(Optional.empty(), admitted(second), admitted(first)));
    assertEquals(first, chosen(Optional.empty(), waiting(second), admitted(first)), "who waits for admission knows no voters");
  }

  @Test
  void nodeOfANewerLineage_doesNotGoBack() {
    VoterSearch search = search(admitted(first));

    assertEquals(Optional.empty(), search.member(Optional.of(second)));
    assertTrue(search.reasons(Optional.of(second)).toString().contains("a former lineage"));
    assertEquals(Optional.empty(), search.replacing(second));
  }

  @Test
  void formerVoter_isReplaced_alsoByOneThatWaitsForAdmission() {
    assertEquals(Optional.of(second), search(admitted(first), waiting(second)).replacing(first));
    assertEquals(Optional.empty(), search(admitted(first), admitted(new Lineage(UUID.randomUUID()).next())).replacing(first));
  }

  @Test
  void twoRecoveries_noneIsChosen_butEachNodeStaysInItsOwn() {
    VoterSearch search = search(admitted(second), admitted(alsoSecond));

    assertEquals(Optional.empty(), search.member(Optional.empty()));
    assertEquals(Optional.empty(), search.member(Optional.of(first)));
    assertTrue(search.reasons(Optional.of(first)).toString().contains("recovered twice"));
    assertEquals(second, chosen(Optional.of(second), admitted(alsoSecond), admitted(second)));
    assertEquals(Optional.of(alsoSecond), search.contradicting(second));
    assertEquals(Optional.empty(), search.contradicting(first));
    Lineage third = second.next();
    assertEquals(third, chosen(Optional.of(alsoSecond), admitted(alsoSecond), admitted(third)), "a third ends it");
  }

  @Test
  void voterOfAnotherCluster_isShown_forWhoeverAsksToRefuseIt() {
    Lineage other = new Lineage(UUID.randomUUID());

    assertEquals(other, chosen(Optional.of(first), admitted(other)));
    assertEquals(first, chosen(Optional.of(first), admitted(other), admitted(first)));
  }

  private static Lineage chosen(Optional<Lineage> known, Discovery.Voter... answers) {
    return VoterSearch.lineage(search(answers).member(known).orElseThrow());
  }

  private static VoterSearch search(Discovery.Voter... answers) {
    return new VoterSearch(List.of(answers), List.of(), List.of());
  }

  private static Discovery.Voter admitted(Lineage lineage) {
    VoterPeer self = new VoterPeer(UUID.randomUUID().toString(), "127.0.0.1:1");
    return new Discovery.Voter(lineage.id(), self, true, true, List.of(self));
  }

  private static Discovery.Voter waiting(Lineage lineage) {
    return new Discovery.Voter(lineage.id(), new VoterPeer(UUID.randomUUID().toString(), "127.0.0.1:1"), false, false, List.of());
  }
}
