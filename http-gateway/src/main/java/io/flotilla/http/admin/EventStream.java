package io.flotilla.http.admin;

import io.flotilla.http.Problem;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.apache.pekko.NotUsed;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.MediaTypes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.japi.Pair;
import org.apache.pekko.stream.BoundedSourceQueue;
import org.apache.pekko.stream.Materializer;
import org.apache.pekko.stream.javadsl.Keep;
import org.apache.pekko.stream.javadsl.Source;
import org.apache.pekko.util.ByteString;

/** Server-Sent Events (WHATWG HTML, section 9.2) of what happens on this node. */
final class EventStream {
  private static final int QUEUE = 1_024;
  /**
   * A client that has gone is noticed by what is written to it only, since it might have closed its own side alone: the first is answered
   * with a reset, the second fails.
   */
  private static final Duration KEEP_ALIVE = Duration.ofSeconds(2);
  /** A removed admin hears nothing more within a second. */
  private static final Duration CHECK = Duration.ofMillis(500);
  private final EventFeed feed;

  EventStream(EventFeed feed) {
    this.feed = feed;
  }

  /** @param isAllowed whether the one who listens still may; asked again and again, as a stream has no end of its own */
  HttpResponse open(Materializer materializer, BooleanSupplier isAllowed) {
    Pair<BoundedSourceQueue<EventFeed.Event>, Source<EventFeed.Event, NotUsed>> queue =
        Source.<EventFeed.Event>queue(QUEUE).toMat(
            org.apache.pekko.stream.javadsl.Sink.<EventFeed.Event>asPublisher(
                org.apache.pekko.stream.javadsl.AsPublisher.WITHOUT_FANOUT), Keep.both())
            .mapMaterializedValue(both -> Pair.create(both.first(), Source.fromPublisher(both.second())))
            .run(materializer);
    Consumer<EventFeed.Event> subscriber = event -> queue.first().offer(event);
    if (!feed.subscribe(subscriber)) {
      queue.first().complete();
      return Problem.of(503, "busy", "Not now", "too many event streams are open on this node").toResponse();
    }
    Source<ByteString, NotUsed> frames = queue.second()
        .map(event -> ByteString.fromString(
            "id: " + event.id() + "\nevent: " + event.type() + "\ndata: " + event.json() + "\n\n"))
        .keepAlive(KEEP_ALIVE, () -> ByteString.fromString(": keep-alive\n\n"))
        .merge(Source.tick(CHECK, CHECK, ByteString.emptyByteString()), true)
        .takeWhile(frame -> isAllowed.getAsBoolean())
        .prepend(Source.single(ByteString.fromString(": events of this node\n\n")))
        .watchTermination((used, done) -> {
          done.whenComplete((finished, failure) -> feed.unsubscribe(subscriber));
          return used;
        });
    return HttpResponse.create()
        .addHeader(RawHeader.create("Cache-Control", "no-store"))
        .withEntity(HttpEntities.createChunked(ContentTypes.create(MediaTypes.TEXT_EVENT_STREAM), frames));
  }
}
