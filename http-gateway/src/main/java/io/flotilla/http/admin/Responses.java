package io.flotilla.http.admin;

import com.fasterxml.jackson.databind.JsonNode;
import org.apache.pekko.http.javadsl.model.ContentTypes;
import org.apache.pekko.http.javadsl.model.HttpEntities;
import org.apache.pekko.http.javadsl.model.HttpResponse;
import org.apache.pekko.http.javadsl.model.StatusCodes;
import org.apache.pekko.http.javadsl.model.headers.RawHeader;
import org.apache.pekko.util.ByteString;

/** JSON answers with the headers of the contract. */
final class Responses {
  private Responses() {}

  static HttpResponse json(int status, JsonNode json) {
    return HttpResponse.create()
        .withStatus(StatusCodes.get(status))
        .withEntity(HttpEntities.create(ContentTypes.APPLICATION_JSON, ByteString.fromString(json.toString())));
  }

  static HttpResponse json(int status, JsonNode json, long configVersion) {
    return json(status, json).addHeader(RawHeader.create("Flotilla-Config-Version", Long.toString(configVersion)));
  }

  static HttpResponse withEntityTag(HttpResponse response, long version) {
    return response.addHeader(RawHeader.create("ETag", "\"" + version + "\""));
  }
}
