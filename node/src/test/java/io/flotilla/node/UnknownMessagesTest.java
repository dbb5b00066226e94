package io.flotilla.node;

import static org.junit.jupiter.api.Assertions.assertEquals;

import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import java.io.IOException;
import java.io.NotSerializableException;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.slf4j.LoggerFactory;

class UnknownMessagesTest {
  private final LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
  private final ListAppender<ILoggingEvent> lines = new ListAppender<>();
  private final UnknownMessages filter = new UnknownMessages();

  @BeforeEach
  void listen() {
    lines.start();
    context.getLogger("ROOT").addAppender(lines);
    context.addTurboFilter(filter);
  }

  @AfterEach
  void stop() {
    context.getLogger("ROOT").detachAppender(lines);
    context.resetTurboFilterList();
  }

  private void fail(Throwable why) {
    context.getLogger(UnknownMessages.TELLER).error(
        "Failed to deserialize message from [pekko://flotilla@127.0.0.3:28501] with serializer id [28] and manifest [b].", why);
  }

  private static NotSerializableException unknown(int kind) {
    return new NotSerializableException("Cannot find manifest class [io.flotilla.Kind" + kind + "] for serializer [x].");
  }

  private List<String> told() {
    return lines.list.stream().map(ILoggingEvent::getFormattedMessage).toList();
  }

  @Test
  void eachUnknownKind_isToldOnceInOneLine_andOnlySoManyAre() {
    for (int i = 0; i < 2; i++) {
      fail(unknown(1));
      fail(new IllegalStateException(unknown(2)));
    }
    assertEquals(List.of(
        "Messages of the kind io.flotilla.Kind1 are ignored, because this release does not know it; the first came from "
            + "pekko://flotilla@127.0.0.3:28501, which runs another release. That is as it should be while nodes are upgraded"),
        told().stream().filter(line -> line.contains("Kind1")).toList());
    assertEquals(2, told().size());
    IntStream.range(0, 3 * UnknownMessages.MOST).forEach(kind -> fail(unknown(kind)));
    assertEquals(UnknownMessages.MOST, told().size());
  }

  @Test
  void damagedMessage_isToldEachTime() {
    fail(new IOException("bytes are missing"));
    fail(new NotSerializableException("io.flotilla.Secret"));
    fail(new NotSerializableException("io.flotilla.Secret"));
    assertEquals(3, told().size());
  }
}
