package io.flotilla.config.model;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.time.Instant;
import java.util.Base64;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class JoinTokenTest {
  private static final ClusterKey KEY = ClusterKey.generate();
  private static final Instant UNTIL = Instant.parse("2027-01-01T00:00:00Z");
  private static final List<String> AT = List.of("https://10.0.0.1:20000", "https://[2001:db8::1]:20000");

  private static JoinToken copied(JoinToken token) {
    return JoinToken.parse(token.text());
  }

  @Test
  void token_bringsTheKey() {
    JoinToken token = copied(JoinToken.create(KEY, UNTIL, AT));
    assertEquals(UNTIL, token.expiresAt());
    assertEquals(AT, token.addresses());
    JoinToken.Ask ask = token.ask("node-4");
    JoinToken.Answer answer = JoinToken.answer(KEY, ask).orElseThrow();
    assertEquals(Optional.of(KEY), token.open(ask, answer));
    assertNotEquals(Base64.getEncoder().encodeToString(answer.sealedKey()),
        Base64.getEncoder().encodeToString(JoinToken.answer(KEY, ask).orElseThrow().sealedKey()));
    assertFalse(token.toString().contains(token.text().substring(40, 60)));
  }

  @Test
  void whoDoesNotKnowTheSecret_getsNothing() {
    JoinToken token = JoinToken.create(KEY, UNTIL, AT);
    JoinToken.Ask ask = token.ask("node-4");
    byte[] other = ask.nonce().clone();
    other[0] ^= 1;
    for (JoinToken.Ask forged : List.of(
        new JoinToken.Ask(ask.id(), ask.expires() + 3600, ask.node(), ask.nonce(), ask.proof()), // held longer
        new JoinToken.Ask("A".repeat(16), ask.expires(), ask.node(), ask.nonce(), ask.proof()),
        new JoinToken.Ask(ask.id(), ask.expires(), "node-5", ask.nonce(), ask.proof()),
        new JoinToken.Ask(ask.id(), ask.expires(), ask.node(), other, ask.proof()),
        new JoinToken.Ask(ask.id(), ask.expires(), ask.node(), new byte[0], ask.proof()),
        new JoinToken.Ask(ask.id(), ask.expires(), ask.node(), ask.nonce(), new byte[32]),
        new JoinToken.Ask(ask.id(), ask.expires(), ask.node(), ask.nonce(), new byte[0]))) {
      assertTrue(JoinToken.answer(KEY, forged).isEmpty());
    }
    assertTrue(JoinToken.answer(ClusterKey.generate(), ask).isEmpty());
  }

  @Test
  void answer_ofAnotherCluster_orOfAnotherRequest_isNone() {
    JoinToken token = JoinToken.create(KEY, UNTIL, AT);
    JoinToken.Ask ask = token.ask("node-4");
    JoinToken.Answer answer = JoinToken.answer(KEY, ask).orElseThrow();
    assertTrue(token.open(token.ask("node-4"), answer).isEmpty());
    assertTrue(JoinToken.create(KEY, UNTIL, AT).open(ask, answer).isEmpty());
    byte[] changed = answer.sealedKey().clone();
    changed[3] ^= 1;
    assertTrue(token.open(ask, new JoinToken.Answer(answer.nonce(), changed)).isEmpty());
    assertTrue(token.open(ask, new JoinToken.Answer(answer.nonce(), new byte[0])).isEmpty());
  }

  @Test
  void whatIsNoToken_isRefusedInWords() {
    String text = JoinToken.create(KEY, UNTIL, AT).text();
    for (String damaged : List.of("", "x", text.substring(5), text.substring(0, text.length() / 2), text + "!", "flj1-", "flj1-e30",
        "flj1-" + "A".repeat(100_000))) {
      assertTrue(assertThrows(IllegalArgumentException.class, () -> JoinToken.parse(damaged)).getMessage().contains("copy it whole"));
    }
    assertThrows(IllegalArgumentException.class, () -> JoinToken.create(KEY, UNTIL, List.of()));
  }
}
