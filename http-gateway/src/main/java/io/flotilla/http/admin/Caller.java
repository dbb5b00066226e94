package io.flotilla.http.admin;

import io.flotilla.config.event.Author;
import io.flotilla.config.model.Admin;

/** Who sent a request, and from which address. */
record Caller(Admin admin, String address) {
  Author author(String node) {
    return new Author(admin.name(), address, node);
  }
}
