package io.flotilla.http.admin;

import com.fasterxml.jackson.core.JacksonException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.Problem;
import java.io.IOException;

/** Reads request bodies. What is wrong with one is told without quoting it, as there may be secrets in it. */
final class JsonBody {
  private JsonBody() {}

  static ObjectNode object(byte[] body) {
    try {
      JsonNode json = EntityCodec.JSON.readTree(body);
      if (json instanceof ObjectNode object) {
        return object;
      }
      throw malformed("the body must be a JSON object");
    } catch (JacksonException e) {
      throw notJson(e);
    } catch (IOException e) {
      throw malformed("the body is not JSON: it is not text in UTF-8");
    }
  }

  static Problem.ProblemException notJson(JacksonException e) {
    return malformed("the body is not JSON: " + withoutQuotes(e.getOriginalMessage())
        + (e.getLocation() == null ? ""
            : " (line " + e.getLocation().getLineNr() + ", column " + e.getLocation().getColumnNr() + ")"));
  }

  private static String withoutQuotes(String message) {
    return message.startsWith("Unrecognized token") ? "a value is neither a text in quotes nor a number, true, false or null"
        : message;
  }

  static Problem.ProblemException malformed(String detail) {
    return new Problem.ProblemException(Problem.malformed(detail));
  }
}
