package io.flotilla.system.chaos;

/** A guarantee that was broken, and how. */
public record Violation(Kind kind, String detail) {

  /** In the order of the guarantees of docs/architecture.md. */
  public enum Kind {
    /** An acknowledged change is not there. */
    LOST,
    /** A change was made twice, or acknowledged as two versions. */
    TWICE,
    /** A change that was sent after another was acknowledged has the lower version. */
    REORDERED,
    /** A condition (If-Match) did not hold when the change was made. */
    CONDITION_IGNORED,
    /** One version with two contents. */
    TWO_CONTENTS,
    /** A version that no change made, or a change that nobody sent. */
    GAP,
    /** A node's version fell while it lived. */
    WENT_BACK,
    /** A change that was refused is there. */
    REFUSED_IS_THERE,
    /** A node holds something else than the history leads to. */
    WRONG_CONTENT,
    /** A look-up of a change contradicts the history. */
    LOOKUP_DISAGREES,
    /** The nodes did not come to the same version and digest by themselves. */
    NOT_CONVERGED,
    /** A node did what nobody asked it to do. */
    ACCIDENT
  }

  @Override
  public String toString() {
    return kind + ": " + detail;
  }
}
