/** What the persistent actors have in common, and what a journal of either engine tells them of a failure. */
package io.flotilla.persistence;
