package io.flotilla.sftp;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import org.apache.sshd.common.SshConstants;
import org.apache.sshd.common.session.helpers.PacketBuffer;

/**
 * Buffers for outgoing SSH packets, shared by all channels, because a fresh one of 33 KiB for each packet is cleared and
 * collected at a tenth of a download's cost. Keeps at most 256 (8 MiB). Safe for all threads.
 */
final class PacketPool {
  /** Data of one packet at most; larger packets broke OpenSSH's uploads and gain nothing. */
  static final int MAX_DATA = 32 * 1024;
  /** Where CHANNEL_DATA's bytes begin: packet header, message number, channel, length. */
  static final int DATA_START = SshConstants.SSH_PACKET_HEADER_LEN + 1 + 4 + 4;
  private static final int TRAILER = 256 + 64 + 64; // padding, tag or MAC, and some slack
  private static final int CAPACITY = DATA_START + MAX_DATA + TRAILER;
  private static final int MAX_SPARE = 256;

  private final ConcurrentLinkedQueue<PacketBuffer> spare = new ConcurrentLinkedQueue<>();
  private final AtomicInteger count = new AtomicInteger();

  PacketBuffer take() {
    PacketBuffer buffer = spare.poll();
    if (buffer == null) {
      return new PacketBuffer(new byte[CAPACITY], false);
    }
    count.decrementAndGet();
    return buffer;
  }

  void give(PacketBuffer buffer) {
    if (buffer.array().length == CAPACITY && count.get() < MAX_SPARE) {
      count.incrementAndGet();
      spare.add(buffer);
    }
  }
}
