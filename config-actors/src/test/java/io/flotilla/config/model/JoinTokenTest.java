package io.flotilla.config.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JoinTokenTest {
  private static final ClusterKey KEY = ClusterKey.generate();
  private static final Instant UNTIL = Instant.parse("2027-01-01T00:00:00Z");
  private static final List<String> AT = List.of("https://10.0.0.1:20000", "https://[2001:db8::1]:20000");

  private static final JoinToken.Welcome WELCOME = new JoinToken.Welcome(KEY, List.of("10.0.0.1:20001", "10.0.0.2:20001"));

  private static JoinToken token() {
    return JoinToken.create(KEY, "root", UNTIL, AT);
  }

  @Test
  void token_bringsTheKey_andTheSeedNodes() {
    JoinToken token = JoinToken.parse(token().text());
    assertEquals(UNTIL, token.expiresAt());
    assertEquals(AT, token.addresses());
    assertTrue(token.isOf(KEY));
    assertFalse(token.isOf(ClusterKey.generate()));
    JoinToken.Asking asking = token.ask("node-4");
    JoinToken.Answer answer = JoinToken.answer(asking.ask(), WELCOME).orElseThrow();
    assertEquals(Optional.of(WELCOME), asking.open(answer));
    assertFalse(Arrays.equals(answer.sealed(), JoinToken.answer(asking.ask(), WELCOME).orElseThrow().sealed()));
    assertFalse(token.toString().contains(token.text().substring(40, 60)));
  }

  @Test
  void whoDoesNotKnowTheSecret_getsNothing() {
    JoinToken.Ask ask = token().ask("node-4").ask();
    byte[] others = token().ask("node-4").ask().publicKey();
    for (JoinToken.Ask forged : List.of(
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires() + 3600, ask.node(), ask.publicKey(), ask.proof()), // held longer
        new JoinToken.Ask(ask.id(), "toor", ask.expires(), ask.node(), ask.publicKey(), ask.proof()),
        new JoinToken.Ask("A".repeat(16), ask.maker(), ask.expires(), ask.node(), ask.publicKey(), ask.proof()),
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires(), "node-5", ask.publicKey(), ask.proof()),
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires(), ask.node(), others, ask.proof()),
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires(), ask.node(), new byte[0], ask.proof()),
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires(), ask.node(), ask.publicKey(), new byte[32]),
        new JoinToken.Ask(ask.id(), ask.maker(), ask.expires(), ask.node(), ask.publicKey(), new byte[0]))) {
      assertTrue(JoinToken.answer(forged, WELCOME).isEmpty());
    }
    assertTrue(JoinToken.answer(ask, new JoinToken.Welcome(ClusterKey.generate(), List.of())).isEmpty());
  }

  @Test
  void answer_ofAnotherCluster_orOfAnotherRequest_orChanged_isNone() {
    JoinToken token = token();
    JoinToken.Asking asking = token.ask("node-4");
    JoinToken.Answer answer = JoinToken.answer(asking.ask(), WELCOME).orElseThrow();
    assertTrue(token.ask("node-4").open(answer).isEmpty());
    assertTrue(token().ask("node-4").open(answer).isEmpty());
    for (int i = 0; i < answer.sealed().length; i += 7) {
      byte[] changed = answer.sealed().clone();
      changed[i] ^= 1;
      assertTrue(asking.open(new JoinToken.Answer(answer.publicKey(), changed)).isEmpty());
    }
    assertTrue(asking.open(new JoinToken.Answer(answer.publicKey(), new byte[0])).isEmpty());
    assertTrue(asking.open(new JoinToken.Answer(new byte[0], answer.sealed())).isEmpty());
    assertTrue(asking.open(new JoinToken.Answer(token.ask("x").ask().publicKey(), answer.sealed())).isEmpty());
  }

  @Test
  void whatIsNoToken_isRefusedInWords() {
    String text = token().text();
    for (String damaged : List.of("", "x", text.substring(5), text.substring(0, text.length() / 2), text + "!", "flj1-", "flj1-e30",
        "flj1-" + "A".repeat(100_000))) {
      assertTrue(assertThrows(IllegalArgumentException.class, () -> JoinToken.parse(damaged)).getMessage().contains("copy it whole"));
    }
    assertThrows(IllegalArgumentException.class, () -> JoinToken.create(KEY, "root", UNTIL, List.of()));
  }
}
