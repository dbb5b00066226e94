package io.flotilla.http.balancer;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Set;

/** Words for names: names may hold spaces, quotes and any letter, and no two have one word, in whatever case (nginx knows none). */
final class Labels {
  private final Map<String, String> labels = new HashMap<>();
  private final Set<String> taken = new HashSet<>();

  String of(String name) {
    return labels.computeIfAbsent(name, _ -> {
      String word = name.replaceAll("[^A-Za-z0-9._-]", "_");
      String label = word;
      for (int i = 2; !taken.add(label.toLowerCase(Locale.ROOT)); i++) {
        label = word + "_" + i;
      }
      return label;
    });
  }
}
