package io.flotilla.http.files;

import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import org.apache.pekko.http.javadsl.model.ContentType;
import org.apache.pekko.http.javadsl.model.ContentTypes;

/**
 * What a file is, by the end of its name alone: what is in it was written by somebody else.
 *
 * @param isHarmless whether a browser may show it as a page of this server, since it runs nothing that is in it
 */
public record FileType(ContentType contentType, boolean isHarmless) {
  private static final FileType UNKNOWN = new FileType(ContentTypes.APPLICATION_OCTET_STREAM, false);
  private static final Map<String, FileType> BY_EXTENSION = new HashMap<>();

  static {
    harmless("text/plain; charset=UTF-8", "txt", "text", "log");
    harmless("image/avif", "avif");
    harmless("image/bmp", "bmp");
    harmless("image/gif", "gif");
    harmless("image/jpeg", "jpg", "jpeg");
    harmless("image/png", "png");
    harmless("image/tiff", "tif", "tiff");
    harmless("image/webp", "webp");
    harmless("image/x-icon", "ico");
    harmless("application/pdf", "pdf");
    other("image/svg+xml", "svg");
    other("text/css; charset=UTF-8", "css");
    other("text/csv; charset=UTF-8", "csv");
    other("text/html; charset=UTF-8", "htm", "html");
    other("text/javascript; charset=UTF-8", "js", "mjs");
    other("text/markdown; charset=UTF-8", "md");
    other("text/xml; charset=UTF-8", "xml");
    other("application/json", "json");
    other("application/zip", "zip");
    other("application/gzip", "gz", "tgz");
    other("application/x-tar", "tar");
    other("application/x-7z-compressed", "7z");
    other("application/rtf", "rtf");
    other("application/msword", "doc");
    other("application/vnd.openxmlformats-officedocument.wordprocessingml.document", "docx");
    other("application/vnd.ms-excel", "xls");
    other("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "xlsx");
    other("application/vnd.ms-powerpoint", "ppt");
    other("application/vnd.openxmlformats-officedocument.presentationml.presentation", "pptx");
    other("application/vnd.oasis.opendocument.text", "odt");
    other("application/vnd.oasis.opendocument.spreadsheet", "ods");
    other("application/vnd.oasis.opendocument.presentation", "odp");
    other("audio/aac", "aac");
    other("audio/flac", "flac");
    other("audio/mp4", "m4a");
    other("audio/mpeg", "mp3");
    other("audio/ogg", "oga", "ogg", "opus");
    other("audio/wav", "wav");
    other("video/mp4", "mp4", "m4v");
    other("video/mpeg", "mpeg", "mpg");
    other("video/quicktime", "mov");
    other("video/webm", "webm");
    other("video/x-matroska", "mkv");
    other("video/x-msvideo", "avi");
  }

  private static void harmless(String contentType, String... extensions) {
    enter(new FileType(ContentTypes.parse(contentType), true), extensions);
  }

  private static void other(String contentType, String... extensions) {
    enter(new FileType(ContentTypes.parse(contentType), false), extensions);
  }

  private static void enter(FileType type, String... extensions) {
    for (String extension : extensions) {
      BY_EXTENSION.put(extension, type);
    }
  }

  public static FileType of(String name) {
    return BY_EXTENSION.getOrDefault(name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT), UNKNOWN);
  }
}
