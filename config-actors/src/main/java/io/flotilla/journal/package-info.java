/** What both journals say in the same words, whoever keeps them; nothing here knows either of them. */
package io.flotilla.journal;
