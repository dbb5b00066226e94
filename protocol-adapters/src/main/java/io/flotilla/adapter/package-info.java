/** What all protocol adapters share: the events they report and the connections they have. */
package io.flotilla.adapter;
