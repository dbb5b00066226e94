/** Uploads that can be resumed, at whatever node: the tus protocol 1.0 under {@code /uploads}. */
package io.flotilla.http.uploads;
