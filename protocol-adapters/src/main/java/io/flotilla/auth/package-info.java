/** Who may log in: password hashing on threads of its own, and the checks all protocols share. */
package io.flotilla.auth;
