package io.flotilla.node.cli;

import java.io.Console;
import java.util.Locale;

/** Asks at the terminal before something is done that is not easily undone. */
final class Confirmation {
  private Confirmation() {}

  /** Fails unless the person at the terminal says yes; without a terminal there is nobody to ask. */
  static void ask(String question, String option) {
    Console console = System.console();
    if (console == null || !console.isTerminal()) {
      throw new CommandFailedException("nothing was changed: there is no terminal to ask at; give " + option
          + " to do it without being asked");
    }
    String answer = console.readLine("%s [y/N] ", question);
    if (answer == null || !answer.strip().toLowerCase(Locale.ROOT).matches("y|yes")) {
      throw new CommandFailedException("nothing was changed");
    }
  }
}
