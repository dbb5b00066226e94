package io.flotilla.http.dav;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.http.files.EntityTag;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.Arbitraries;
import net.jqwik.api.Arbitrary;
import net.jqwik.api.Combinators;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.Provide;

class IfHeaderProperties {
  @Provide
  Arbitrary<IfHeader> headers() {
    Arbitrary<String> uris = Arbitraries.strings().withCharRange('a', 'z').withChars(":/.-()[]").ofMinLength(1).ofMaxLength(12);
    Arbitrary<Boolean> flags = Arbitraries.of(true, false);
    Arbitrary<IfHeader.Condition> tokens = Combinators.combine(flags, uris).as(IfHeader.Condition.Token::new);
    Arbitrary<IfHeader.Condition> tags = Combinators.combine(flags, flags, Arbitraries.strings().withChars("x])(<>[").ofMaxLength(5))
        .as((isNot, isWeak, opaque) -> new IfHeader.Condition.Tag(
            isNot, EntityTag.parse((isWeak ? "W/" : "") + '"' + opaque + '"').orElseThrow()));
    Arbitrary<List<IfHeader.Condition>> conditions = Arbitraries.oneOf(tokens, tags).list().ofMinSize(1).ofMaxSize(4);
    return flags.flatMap(isTagged -> Combinators.combine(uris, conditions).as((uri, all) ->
        new IfHeader.Conditions(isTagged ? Optional.of(uri) : Optional.empty(), all)).list().ofMinSize(1).ofMaxSize(4)).map(IfHeader::new);
  }

  private static String text(IfHeader header, String space) {
    StringBuilder out = new StringBuilder();
    for (IfHeader.Conditions list : header.lists()) {
      list.resource().ifPresent(uri -> out.append('<').append(uri).append('>').append(space));
      out.append('(').append(space);
      for (IfHeader.Condition condition : list.all()) {
        out.append(condition.isNot() ? "Not" + space : "").append(switch (condition) {
          case IfHeader.Condition.Token(_, var uri) -> "<" + uri + ">";
          case IfHeader.Condition.Tag(_, var tag) -> "[" + tag + "]";
        }).append(space);
      }
      out.append(')').append(space);
    }
    return out.toString();
  }

  @Property(tries = 500)
  void whatIsWritten_isRead(@ForAll("headers") IfHeader header, @ForAll boolean isSpaced) {
    assertEquals(Optional.of(header), IfHeader.parse(text(header, isSpaced ? " \t" : "")));
  }

  /** A list is true if none of its conditions is what it should not be. */
  @Property(tries = 500)
  void opposite_ofEveryCondition_isTheOpposite(@ForAll("headers") IfHeader header, @ForAll boolean isThere) {
    IfHeader.State state = new IfHeader.State() {
      @Override
      public boolean has(IfHeader.Condition.Token token) {
        return isThere;
      }

      @Override
      public boolean has(IfHeader.Condition.Tag tag) {
        return isThere;
      }
    };
    boolean expected = header.lists().stream().anyMatch(list -> list.all().stream().allMatch(one -> one.isNot() != isThere));
    assertEquals(expected, header.<RuntimeException>isTrue(_ -> state));
  }

  @Property(tries = 2000)
  void junk_endsAndThrowsNothing(@ForAll("junk") String text) {
    IfHeader.parse(text).ifPresent(header -> assertTrue(header.lists().stream().noneMatch(list -> list.all().isEmpty())));
  }

  @Provide
  Arbitrary<String> junk() {
    return Arbitraries.strings().withChars("()<>[]\"NotW/ a:\t").ofMaxLength(30);
  }
}
