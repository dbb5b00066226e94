package io.flotilla.transport;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class TransferBuffersTest {
  private static final int ALL = 256 + 2048;
  private static final int ALL_FOR_RECORDS = 128;

  private final TransferBuffers buffers = new TransferBuffers();

  @Test
  void whatIsOut_isBounded_andWhatIsGivenBackIsTakenAgain() throws Exception {
    List<ByteBuffer> out = new ArrayList<>();
    for (int i = 0; i < ALL; i++) {
      out.add(buffers.take());
    }
    assertTrue(out.getFirst().isDirect());
    assertEquals(TransferBuffers.SIZE, out.getFirst().capacity());
    assertFalse(out.getLast().isDirect());
    assertThrows(TransferBuffers.ExhaustedException.class, buffers::take);
    buffers.give(out.getLast());
    assertFalse(buffers.take().isDirect());
    buffers.give(out.getFirst().limit(7));
    ByteBuffer again = buffers.take();
    assertTrue(again.isDirect());
    assertEquals(TransferBuffers.SIZE, again.remaining());
    assertThrows(TransferBuffers.ExhaustedException.class, buffers::take);
  }

  @Test
  void buffersForRecords_areInTheHeap_andTakeNothingFromTransfers() throws Exception {
    List<ByteBuffer> out = new ArrayList<>();
    for (int i = 0; i < ALL_FOR_RECORDS; i++) {
      out.add(buffers.takeForRecords());
    }
    assertFalse(out.getFirst().isDirect());
    assertEquals(TransferBuffers.SIZE, out.getFirst().capacity());
    assertNull(buffers.takeForRecords());
    for (int i = 0; i < ALL; i++) {
      buffers.take();
    }
    buffers.give(out.getFirst().limit(7));
    assertEquals(TransferBuffers.SIZE, buffers.takeForRecords().remaining());
    assertNull(buffers.takeForRecords());
  }
}
