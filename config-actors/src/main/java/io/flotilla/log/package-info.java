/** What all that writes to the log has in common. */
package io.flotilla.log;
