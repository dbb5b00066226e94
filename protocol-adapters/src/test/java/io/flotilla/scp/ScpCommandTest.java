package io.flotilla.scp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.scp.ScpCommand.Direction;
import io.flotilla.vfs.ByteNames;
import java.nio.charset.StandardCharsets;
import java.util.List;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ScpCommandTest {
  @Test
  void parse_optionsOfClients_areTaken() {
    assertEquals(new ScpCommand(Direction.SINK, false, false, false, List.of(path("f"))), parse("scp -t f"));
    assertEquals(new ScpCommand(Direction.SINK, true, true, true, List.of(path("."))), parse("scp -v -r -p -d -t ."));
    assertEquals(new ScpCommand(Direction.SINK, true, true, false, List.of(path("/a"))), parse("scp -prt /a"));
    assertEquals(new ScpCommand(Direction.SOURCE, false, false, false, List.of(path("a"), path("b"))), parse("scp  -qf\ta b "));
    assertEquals(List.of(path("-rf")), parse("scp -t -- -rf").paths());
    assertEquals(List.of(path("-")), parse("scp -t -").paths());
    assertEquals(List.of(path("")), parse("scp -t ''").paths());
  }

  @ParameterizedTest
  @ValueSource(strings = {"", " ", "ls", "scp", "scp -t", "scp -f", "scp f", "scp -tf f", "scp -r f", "scp -t a b", "scp -S x -t f",
      "scp -oProxyCommand=x -t f", "scp --rsh=x -t f", "scp -t f; id", "scp -t f;id", "scp -t f & id", "scp -t f | id",
      "scp -t `id`", "scp -t $(id)", "scp -t f > g", "scp -t f < g", "scp -t f\nid", "scp -t 'f", "scp -t \"f", "scp -t \"f\\\"",
      "scp -t f\\", "scp -t f\\\ng", "scp -t f\0g", "/usr/bin/scp -t f", "rsync --server . .", "git-upload-pack x", "scp -E -t f",
      "SCP -t f", "scp-t f", "scp -- -t f", "scp -t -r"})
  void parse_anythingElse_isRefused(String line) {
    assertThrows(IllegalArgumentException.class, () -> parse(line));
  }

  @Test
  void parse_quotes_areTakenAsByAShell() {
    assertEquals("a b", only("scp -t 'a b'"));
    assertEquals("a b", only("scp -t \"a b\""));
    assertEquals("a b", only("scp -t a\\ b"));
    assertEquals("it's; $HOME `id`", only("scp -t 'it'\\''s; $HOME `id`'"));
    assertEquals("a\"b\\c$d`e\\f", only("scp -t \"a\\\"b\\\\c\\$d\\`e\\f\""));
    assertEquals("$HOME", only("scp -t $HOME"));
    assertEquals("a\nb", only("scp -t 'a\nb'"));
    assertEquals("x;y|z", only("scp -t x\\;y\\|z"));
    assertEquals("./up", only("scp -t ~/up"));
    assertEquals("backup/r*.txt", only("scp -t backup/r*.txt"));
    assertEquals(".", only("scp -t ~"));
    assertEquals("~/up", only("scp -t '~/up'"));
    assertEquals("~bob", only("scp -t ~bob"));
    assertThrows(IllegalArgumentException.class, () -> ScpCommand.parse(new byte[ScpCommand.MAX_LINE + 1]));
  }

  @Test
  void parse_wildcards_countOnlyUnquotedAndInTheLastName() throws Exception {
    assertTrue(parse("scp -f d/*.txt").paths().getFirst().pattern().orElseThrow().matchesAsInShell("a.txt"));
    assertFalse(parse("scp -f d/*").paths().getFirst().pattern().orElseThrow().matchesAsInShell(".hidden"));
    assertTrue(parse("scp -f d/.*").paths().getFirst().pattern().orElseThrow().matchesAsInShell(".hidden"));
    assertEquals("/d", parse("scp -f d/*.txt").paths().getFirst().path().toString());
    assertEquals("/", parse("scp -f *").paths().getFirst().path().toString());
    for (String literal : List.of("scp -f 'a*'", "scp -f \"a?\"", "scp -f a\\*", "scp -f d*/a")) {
      assertTrue(parse(literal).paths().getFirst().pattern().isEmpty(), literal);
    }
    var mixed = parse("scp -f d/\\**").paths().getFirst().pattern().orElseThrow();
    assertTrue(mixed.matches("*x"));
    assertFalse(mixed.matches("xx"));
  }

  @Property
  void parse_whatWasQuotedForAShell_comesBack(@ForAll("names") String name) {
    ScpCommand command = ScpCommand.parse(ByteNames.encode("scp -t -- '" + name.replace("'", "'\\''") + "'"));
    assertEquals(name, command.paths().getFirst().text());
    assertTrue(command.paths().getFirst().pattern().isEmpty());
  }

  @Property
  void parse_anyBytes_areACommandOrRefused(@ForAll("lines") byte[] line) {
    try {
      ScpCommand command = ScpCommand.parse(line);
      assertTrue(command.direction() == Direction.SOURCE || command.paths().size() == 1);
      assertTrue(new String(line, StandardCharsets.ISO_8859_1).stripLeading().matches("(?s)['\"\\\\]*s.*"));
    } catch (IllegalArgumentException e) {
      assertFalse(e.getMessage().isEmpty());
    }
  }

  @Provide
  Arbitrary<String> names() {
    return Arbitraries.strings().withChars("abc'\"\\ $`;*?~-\n\té日").ofMinLength(1).ofMaxLength(30);
  }

  @Provide
  Arbitrary<byte[]> lines() {
    return Arbitraries.of("scp", " ", "-t", "-f", "-r", "'", "\"", "\\", ";", "*", "a", "/", "..", "é", "\0", "$(", "`", "--")
        .list().ofMaxSize(15).map(parts -> String.join("", parts).getBytes(StandardCharsets.UTF_8));
  }

  private static ScpCommand parse(String line) {
    return ScpCommand.parse(line.getBytes(StandardCharsets.UTF_8));
  }

  private static String only(String line) {
    return parse(line).paths().getFirst().text();
  }

  private static ScpCommand.Argument path(String text) {
    return new ScpCommand.Argument(text, java.util.Optional.empty());
  }
}
