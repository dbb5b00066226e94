/** What all that is said by HTTP has in common. */
package io.flotilla.http;
