/** What all protocol adapters share: logins, the connections they have, transfer accounting, and the events they report. */
package io.flotilla.adapter;
