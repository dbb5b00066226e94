package io.flotilla.node.cluster;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.journal.raft.Discovery;
import io.flotilla.journal.raft.JournalRecovery.Remains;
import io.flotilla.journal.raft.Lineage;
import io.flotilla.journal.raft.VoterPeer;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.UUID;
import org.junit.jupiter.api.Test;

/** When a node must not go on alone. */
class LoneRecoveryTest {
  private final Lineage former = new Lineage(UUID.randomUUID());
  private final VoterPeer a = new VoterPeer("a", "127.0.0.1:2");
  private final VoterPeer b = new VoterPeer("b", "127.0.0.2:2");
  private final VoterPeer c = new VoterPeer("c", "127.0.0.3:2");
  private final List<VoterPeer> all = List.of(a, b, c);

  @Test
  void withoutAJournal_theOthersSayWhoVotes() {
    assertMajority(why(Optional.empty(), answer(a, all), answer(b, all)));
    assertEquals(Optional.empty(), why(Optional.empty(), answer(a, all)), "one of three");
    assertEquals(Optional.empty(), why(Optional.empty()), "nobody answers");
  }

  @Test
  void ownVoteCounts_ifItsJournalIsWhole() {
    assertMajority(why(Optional.of(journal(Optional.empty(), true)), answer(a, all)));
    assertEquals(Optional.empty(), why(Optional.of(journal(Optional.of("truncated"), true)), answer(a, all)), "damaged");
    assertEquals(Optional.empty(), why(Optional.of(journal(Optional.empty(), false)), answer(a, all)), "set aside");
    assertMajority(why(Optional.of(journal(Optional.of("truncated"), true)), answer(a, all), answer(b, all)));
  }

  @Test
  void newVoterAtAnOldAddress_isNoMemberWithoutItsVote() {
    VoterPeer wiped = new VoterPeer("b2", b.address());
    Discovery.Voter waiting = new Discovery.Voter(former.id(), wiped, false, false, List.of());

    assertEquals(Optional.empty(), why(Optional.empty(), answer(a, all), waiting));
    // They replaced this node by one that its own journal does not know.
    List<VoterPeer> newer = List.of(a, b, new VoterPeer("d", "127.0.0.4:2"));
    assertMajority(why(Optional.of(journal(Optional.of("truncated"), true)), answer(a, newer), answer(newer.get(2), newer)));
  }

  @Test
  void anotherLineage_isNoMajorityOfThisOne_butANewerOneEndsIt() {
    assertEquals(Optional.empty(), LoneRecovery.whyOthersGoOn(search(answer(a, all), answer(b, all)), former.next(), Optional.empty()));
    Discovery.Voter recovered = new Discovery.Voter(former.next().id(), a, true, true, List.of(a));
    assertTrue(why(Optional.empty(), recovered).orElseThrow().contains("recovered already"));
    assertTrue(why(Optional.empty(), new Discovery.Voter(former.id(), a, true, true, all)).orElseThrow().contains("has a leader"));
  }

  @Test
  void silentVoter_mayGoOn() {
    VoterSearch search = new VoterSearch(List.of(), List.of("voter 127.0.0.1:2: silent"), List.of("voter 127.0.0.1:2"));

    assertTrue(LoneRecovery.whyOthersMayGoOn(search).orElseThrow().contains("does not answer: voter 127.0.0.1:2"));
    assertEquals(Optional.empty(), LoneRecovery.whyOthersMayGoOn(search()));
  }

  private static void assertMajority(Optional<String> why) {
    assertTrue(why.orElse("nothing").contains("are a majority"), why::toString);
  }

  private Optional<String> why(Optional<Remains> journal, Discovery.Voter... answers) {
    return LoneRecovery.whyOthersGoOn(search(answers), former, journal);
  }

  private static VoterSearch search(Discovery.Voter... answers) {
    return new VoterSearch(List.of(answers), List.of(), List.of());
  }

  private Discovery.Voter answer(VoterPeer voter, List<VoterPeer> voters) {
    return new Discovery.Voter(former.id(), voter, true, false, voters);
  }

  private Remains journal(Optional<String> damage, boolean inPlace) {
    return new Remains(Path.of("raft"), former, 7, 1, Optional.empty(), all, Optional.of(c), damage, inPlace);
  }
}
