package io.flotilla.journal.raft;

import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.apache.pekko.dispatch.Futures;
import scala.concurrent.Future;
import scala.concurrent.Promise;

/** Hands stages to Pekko Persistence. */
final class PluginFutures {
    private PluginFutures() {}

    /** As a Scala future, with the failure itself rather than the wrapping that stages put around it. */
    static <T> Future<T> of(CompletionStage<T> stage) {
        Promise<T> promise = Futures.promise();
        stage.whenComplete((value, failure) -> {
            if (failure == null) {
                promise.success(value);
            } else {
                promise.failure(failure instanceof CompletionException && failure.getCause() != null ? failure.getCause() : failure);
            }
        });
        return promise.future();
    }
}
