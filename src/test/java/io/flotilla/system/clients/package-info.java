/**
 * The file transfer programs that partners use, each as its users call it: how it says one operation on its command line, and
 * what it has no way to do. Nothing here knows what is tested.
 */
package io.flotilla.system.clients;
