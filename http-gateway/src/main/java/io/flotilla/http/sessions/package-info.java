/** HTTP sessions: who has logged in, on whatever node, until they log out, are idle, or may no longer come in. */
package io.flotilla.http.sessions;
