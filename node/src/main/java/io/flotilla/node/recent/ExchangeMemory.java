package io.flotilla.node.recent;

import io.flotilla.config.model.PrivateFile;
import io.flotilla.node.HostPort;
import io.flotilla.node.NodeSettings.InvalidSettingException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a node must know of recent changes before it has heard anybody after a start, in a small file of its data directory: where the other
 * nodes are, so that they are listened to before the control plane is up, and a stamp that none of its own has passed, so that a clock
 * which was set back meanwhile makes none that are older than what was made before. The stamp on disk is ahead of those that are made, so
 * it is written once in half a minute at most, and not for each change. Used by one thread at a time.
 */
final class ExchangeMemory {
  private static final Logger log = LoggerFactory.getLogger(ExchangeMemory.class);
  /** How far the stamp on disk is ahead when it is written, in microseconds; half of that has to be left at any time. */
  static final long AHEAD_MICROS = 60_000_000;
  /** A clock beyond that is damage, not time. */
  private static final long MAX_STAMP = Long.MAX_VALUE / 4;
  private static final int MAX_BYTES = 256 * 1024;
  private static final String STAMP = "stamp";
  private static final String NODE = "node";

  private final Path file;
  private final long firstStamp;
  private final boolean isNew;
  private Map<String, HostPort> nodes;
  private long reserved;
  private boolean isOnDisk;
  private boolean isFailing;

  private ExchangeMemory(Path file, boolean isNew, Map<String, HostPort> nodes, long stamp) {
    this.file = file;
    this.isNew = isNew;
    this.isOnDisk = !isNew;
    this.nodes = Map.copyOf(nodes);
    this.firstStamp = stamp;
    this.reserved = stamp;
  }

  /** Reads it; a file that can't be read or understood is told in the log, and is as good as none. */
  static ExchangeMemory open(Path file) {
    try {
      if (Files.size(file) > MAX_BYTES) {
        throw new IOException("it is too long");
      }
      long stamp = 0;
      Map<String, HostPort> nodes = new TreeMap<>();
      for (String line : Files.readAllLines(file)) {
        String[] words = line.split(" ");
        if (words.length == 2 && words[0].equals(STAMP)) {
          stamp = Long.parseLong(words[1]);
        } else if (words.length == 3 && words[0].equals(NODE)) {
          nodes.put(words[1], HostPort.parse("node " + words[1], words[2]));
        } else {
          throw new IOException("it has a line '" + line + "'");
        }
      }
      if (stamp < 0 || stamp > MAX_STAMP) {
        throw new IOException("its stamp is " + stamp);
      }
      return new ExchangeMemory(file, false, nodes, stamp);
    } catch (NoSuchFileException e) {
      return new ExchangeMemory(file, true, Map.of(), 0);
    } catch (IOException | NumberFormatException | InvalidSettingException e) {
      log.warn("The file {} can't be used ({}); it is made anew, and until then this node knows no other node to ask for recent changes",
          file, e.getMessage());
      return new ExchangeMemory(file, true, Map.of(), 0);
    }
  }

  /** Whether nobody has written it before. */
  boolean isNew() {
    return isNew;
  }

  /** The nodes that were known when it was opened, or were kept since. */
  Map<String, HostPort> nodes() {
    return nodes;
  }

  /** No stamp of this node was higher before it was opened, in microseconds; 0 if that is not known. */
  long firstStamp() {
    return firstStamp;
  }

  /**
   * Writes what has to be written, if anything has. What fails is told in the log, and tried again by the next call.
   *
   * @param lastStamp the highest this node has made or heard; 0 if none
   */
  void keep(Map<String, HostPort> known, long lastStamp) {
    boolean isBehind = lastStamp > reserved - AHEAD_MICROS / 2 && lastStamp > 0;
    if (isBehind || !isOnDisk || !known.equals(nodes)) {
      write(known, isBehind ? lastStamp + AHEAD_MICROS : reserved);
    }
  }

  /** Keeps the very stamp, for a node that makes no more. */
  void close(long lastStamp) {
    long last = Math.max(firstStamp, lastStamp);
    if (last < reserved) {
      write(nodes, last);
    }
  }

  private void write(Map<String, HostPort> known, long stamp) {
    List<String> lines = known.entrySet().stream().map(node -> NODE + " " + node.getKey() + " " + node.getValue() + "\n").sorted().toList();
    try {
      PrivateFile.write(file, STAMP + " " + stamp + "\n" + lines.stream().collect(Collectors.joining()));
      nodes = Map.copyOf(known);
      reserved = stamp;
      isOnDisk = true;
      isFailing = false;
    } catch (IOException e) {
      if (!isFailing) {
        isFailing = true;
        log.warn("Where the other nodes are can't be kept in {} ({}): after its next start this node may show clients old files for some "
            + "seconds; see to the disk of the data directory", file, e.toString());
      }
    }
  }
}
