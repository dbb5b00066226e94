package io.flotilla.node.cli;

import picocli.CommandLine.Option;

/** What every change of the configuration takes. */
final class ChangeOptions {
  @Option(names = "--comment", description = "Why, for the history.")
  private String comment = "";

  @Option(names = "--wait", description = "committed or applied; default: committed.")
  private String wait = "committed";

  /** As parameters of a request, without a mark before them. */
  String query() {
    return "wait=" + AdminClient.encode(wait) + (comment.isEmpty() ? "" : "&comment=" + AdminClient.encode(comment));
  }
}
