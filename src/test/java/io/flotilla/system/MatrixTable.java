package io.flotilla.system;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What each client could do: a row for each client, a column for each operation, and the reasons of what is not done below. */
final class MatrixTable {

  /** How one operation went with one client. */
  sealed interface Cell {}

  record Works() implements Cell {}

  /** It works with this restriction, which is the client's. */
  record WorksBut(String reason) implements Cell {}

  /** The client has no way to do it. */
  record CannotBeDone(String reason) implements Cell {}

  record Failed(String output) implements Cell {}

  private final List<String> columns;
  private final Map<String, List<Cell>> rows = new LinkedHashMap<>();

  MatrixTable(List<String> columns) {
    this.columns = List.copyOf(columns);
  }

  void add(String client, List<Cell> cells) {
    if (cells.size() != columns.size()) {
      throw new IllegalArgumentException(client + " has " + cells.size() + " cells of " + columns.size());
    }
    rows.put(client, List.copyOf(cells));
  }

  /** The failures with their output; empty if there are none. */
  String failures() {
    StringBuilder failures = new StringBuilder();
    rows.forEach((client, cells) -> {
      for (int i = 0; i < cells.size(); i++) {
        if (cells.get(i) instanceof Failed failed) {
          failures.append("--- ").append(client).append(", ").append(columns.get(i)).append(":\n").append(failed.output()).append('\n');
        }
      }
    });
    return failures.toString();
  }

  /** The table in Markdown; its reasons are numbered in the order in which they come. */
  @Override
  public String toString() {
    List<String> reasons = new ArrayList<>();
    StringBuilder text = new StringBuilder("| client | ").append(String.join(" | ", columns)).append(" |\n|")
        .append(" --- |".repeat(columns.size() + 1)).append('\n');
    rows.forEach((client, cells) -> {
      text.append("| ").append(client).append(" |");
      cells.forEach(cell -> text.append(' ').append(mark(cell, reasons)).append(" |"));
      text.append('\n');
    });
    text.append('\n');
    for (int i = 0; i < reasons.size(); i++) {
      text.append(i + 1).append(". ").append(reasons.get(i)).append('\n');
    }
    return text.toString();
  }

  private static String mark(Cell cell, List<String> reasons) {
    return switch (cell) {
      case Works() -> "yes";
      case WorksBut(String reason) -> "yes (" + number(reason, reasons) + ")";
      case CannotBeDone(String reason) -> "no (" + number(reason, reasons) + ")";
      case Failed failed -> "FAILED";
    };
  }

  private static int number(String reason, List<String> reasons) {
    if (!reasons.contains(reason)) {
      reasons.add(reason);
    }
    return reasons.indexOf(reason) + 1;
  }
}
