package io.flotilla.http.dav;

/** What an element holds. */
sealed interface XmlNode permits XmlElement, XmlNode.Text {
  record Text(String text) implements XmlNode {}
}
