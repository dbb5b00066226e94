package io.flotilla.node;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.LoggerContext;
import ch.qos.logback.classic.encoder.PatternLayoutEncoder;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.ConsoleAppender;
import ch.qos.logback.core.encoder.Encoder;
import com.typesafe.config.Config;
import java.util.Map;
import net.logstash.logback.encoder.LogstashEncoder;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Sets the process's log: one line for people by default, one JSON object a line by setting. */
final class Logging {
  private static final String PATTERN = "%d{yyyy-MM-dd'T'HH:mm:ss.SSSXXX} %-5level %-20.20logger{20} %msg%n%ex{full}";
  /** Libraries that say in their words what this product says in its own. */
  private static final Map<String, Level> LIBRARIES = Map.of(
      "org.apache.pekko", Level.WARN,
      "org.apache.ratis", Level.ERROR,
      "org.apache.sshd", Level.ERROR,
      "org.apache.sshd.common.io.nio2.Nio2Acceptor", Level.OFF,
      "io.netty", Level.WARN,
      "com.zaxxer.hikari", Level.ERROR,
      "slick", Level.WARN,
      "io.micrometer", Level.WARN);

  private Logging() {}

  static void configure(Config log) {
    LoggerContext context = (LoggerContext) LoggerFactory.getILoggerFactory();
    context.reset();
    ConsoleAppender<ILoggingEvent> appender = new ConsoleAppender<>();
    appender.setContext(context);
    appender.setEncoder(encoder(log.getString("format"), context));
    appender.start();
    ch.qos.logback.classic.Logger root = context.getLogger(Logger.ROOT_LOGGER_NAME);
    root.addAppender(appender);
    context.addTurboFilter(new UnknownMessages());
    Level level = Level.toLevel(log.getString("level"), null);
    if (level == null) {
      throw new NodeSettings.InvalidSettingException("flotilla.log.level must be error, warn, info or debug");
    }
    root.setLevel(level);
    LIBRARIES.forEach((name, least) -> {
      if (!level.isGreaterOrEqual(least)) {
        context.getLogger(name).setLevel(least);
      }
    });
  }

  private static Encoder<ILoggingEvent> encoder(String format, LoggerContext context) {
    return switch (format) {
      case "json" -> {
        LogstashEncoder encoder = new LogstashEncoder();
        encoder.setContext(context);
        encoder.start();
        yield encoder;
      }
      case "console" -> {
        PatternLayoutEncoder encoder = new PatternLayoutEncoder();
        encoder.setContext(context);
        encoder.setPattern(PATTERN);
        encoder.start();
        yield encoder;
      }
      default -> throw new NodeSettings.InvalidSettingException("flotilla.log.format must be console or json");
    };
  }
}
