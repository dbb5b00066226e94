/**
 * What nodes tell each other of recent changes in storages of which each has a copy, and how they reach what has not arrived: services on
 * the streams between nodes, and who asks for them. It belongs to the process and goes on while the control plane comes and goes.
 */
package io.flotilla.node.recent;
