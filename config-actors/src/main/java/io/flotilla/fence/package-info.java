/** What both journals and those who write to them share about the fence: that a writer may have been replaced. */
package io.flotilla.fence;
