package io.flotilla.http.files;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.flotilla.vfs.VfsException;
import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ZipNamesTest {
  @ParameterizedTest
  @CsvSource({"a.txt,a.txt", "..\\..\\evil,.._.._evil", "C:evil,C_evil", "12:30.log,12:30.log", "a\u0007b,a_b", "a\u0085b,a_b", "...,___",
      "'.. ',___", "\uDCFFx,_x", "\uD83D\uDE00,\uD83D\uDE00", "-rf,-rf"})
  void names_thatLeadAway_areMadeHarmless(String name, String expected) throws VfsException {
    assertEquals(expected, new ZipNames(_ -> false).nameOf(name));
  }

  @Test
  void aNameThatIsTaken_getsANumber() throws VfsException {
    Set<String> there = Set.of("a_b.txt", "a_b (3).txt");
    ZipNames names = new ZipNames(there::contains);
    assertEquals("a_b (2).txt", names.nameOf("a\\b.txt"));
    assertEquals("a_b (4).txt", names.nameOf("a\u0001b.txt"));
    assertEquals("c_", names.nameOf("c\\"));
    assertEquals("c_ (7)", names.nameOf("c\u0001"));
  }

  @Test
  void noTwoNames_becomeOne() throws VfsException {
    ZipNames names = new ZipNames(_ -> false);
    Set<String> seen = new HashSet<>();
    for (int i = 0; i < 1_000; i++) {
      assertTrue(seen.add(names.nameOf("\\ (" + i + ")")));
      assertTrue(seen.add(names.nameOf("\u0001 (" + i + ")")));
    }
  }
}
