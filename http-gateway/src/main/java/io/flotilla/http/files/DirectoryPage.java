package io.flotilla.http.files;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.flotilla.config.model.EntityCodec;
import io.flotilla.http.PercentEncoding;
import io.flotilla.http.QueryParameters;
import io.flotilla.http.RefusedException;
import io.flotilla.vfs.ByteNames;
import io.flotilla.vfs.DirectoryListing;
import io.flotilla.vfs.FileAttributes;
import io.flotilla.vfs.VfsException;
import io.flotilla.vfs.VirtualFileSystem;
import io.flotilla.vfs.VirtualPath;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.Set;

/**
 * Some entries of a directory in their order. Read in one pass that keeps no more than a page, however large the directory is.
 *
 * @param areDirectoriesFirst whatever the order
 * @param after the place of the last entry that the client has
 * @param query what the names hold, in lower case
 */
record DirectoryPage(PagePosition.Sort sort, boolean isDescending, boolean areDirectoriesFirst, int limit, Optional<PagePosition> after,
    String query) {
  static final Set<String> PARAMETERS = Set.of("sort", "order", "directories", "limit", "after", "query");
  private static final int DEFAULT_LIMIT = 200;
  private static final int MAX_LIMIT = 1000;

  private record Placed(PagePosition position, FileAttributes attributes) {}

  static DirectoryPage of(QueryParameters parameters) {
    PagePosition.Sort sort = parameters.text("sort").map(text -> PagePosition.Sort.of(text)
        .orElseThrow(() -> RefusedException.malformed("the parameter sort must be name, text, size or modified")))
        .orElse(PagePosition.Sort.NAME);
    boolean isDescending = switch (parameters.text("order").orElse("asc")) {
      case "asc" -> false;
      case "desc" -> true;
      default -> throw RefusedException.malformed("the parameter order must be asc or desc");
    };
    boolean areDirectoriesFirst = switch (parameters.text("directories").orElse("")) {
      case "" -> false;
      case "first" -> true;
      default -> throw RefusedException.malformed("the parameter directories can only be first");
    };
    Optional<PagePosition> after = parameters.text("after").map(text -> PagePosition.parse(text, sort)
        .orElseThrow(() -> RefusedException.malformed(
            "the parameter after must be what 'next' was in an answer of the same sort")));
    return new DirectoryPage(sort, isDescending, areDirectoriesFirst, (int) parameters.number("limit", 1, MAX_LIMIT).orElse(DEFAULT_LIMIT),
        after, parameters.text("query").orElse("").toLowerCase(Locale.ROOT));
  }

  ObjectNode read(VirtualFileSystem files, VirtualPath directory) throws VfsException {
    List<Placed> found = first(files, directory);
    boolean isMore = found.size() > limit;
    List<Placed> page = isMore ? found.subList(0, limit) : found;
    ObjectNode json = EntityCodec.JSON.createObjectNode();
    json.put("path", WellFormed.text(directory.toString()));
    ArrayNode entries = json.putArray("entries");
    page.forEach(placed -> describe(placed, entries.addObject()));
    json.put("next", isMore ? page.getLast().position().toCursor(sort) : null);
    return json;
  }

  /** The first entries that come after the cursor, one more than the page has. */
  private List<Placed> first(VirtualFileSystem files, VirtualPath directory) throws VfsException {
    Comparator<PagePosition> order = PagePosition.order(isDescending);
    Comparator<Placed> byPosition = Comparator.comparing(Placed::position, order);
    PriorityQueue<Placed> lastFirst = new PriorityQueue<>(byPosition.reversed());
    try (DirectoryListing listing = files.list(directory)) {
      for (DirectoryListing.Entry entry = listing.next(); entry != null; entry = listing.next()) {
        PagePosition position = sort.position(
            areDirectoriesFirst && !entry.attributes().isDirectory() ? 1 : 0, entry.name(), entry.attributes());
        if (entry.name().toLowerCase(Locale.ROOT).contains(query)
            && after.filter(seen -> order.compare(position, seen) <= 0).isEmpty()) {
          lastFirst.add(new Placed(position, entry.attributes()));
          if (lastFirst.size() > limit + 1) {
            lastFirst.remove();
          }
        }
      }
    }
    List<Placed> found = new ArrayList<>(lastFirst);
    found.sort(byPosition);
    return found;
  }

  private static void describe(Placed placed, ObjectNode json) {
    String name = placed.position().name();
    FileAttributes attributes = placed.attributes();
    json.put("name", WellFormed.text(name));
    json.put("encodedName", PercentEncoding.encode(ByteNames.encode(name)));
    json.put("type", switch (attributes.kind()) {
      case FILE -> "file";
      case DIRECTORY -> "directory";
      case SYMLINK -> "link";
      case OTHER -> "other";
    });
    json.put("size", PagePosition.size(attributes));
    json.put("modified", attributes.modified().toString());
    json.put("permissions", String.format("%04o", attributes.permissions()));
  }
}
