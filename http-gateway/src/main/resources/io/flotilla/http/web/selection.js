/** What is selected in a directory, by name. Tells of changes by the event 'change'. */
export class Selection extends EventTarget {
  #entries = new Map();
  /** The name of the entry where a range begins. */
  anchor = null;

  get size() {
    return this.#entries.size;
  }

  get entries() {
    return [...this.#entries.values()];
  }

  has(entry) {
    return this.#entries.has(entry.encodedName);
  }

  clear() {
    if (this.#entries.size > 0) {
      this.#entries.clear();
      this.#tell();
    }
  }

  only(entry) {
    this.#entries = new Map([[entry.encodedName, entry]]);
    this.anchor = entry.encodedName;
    this.#tell();
  }

  toggle(entry) {
    if (!this.#entries.delete(entry.encodedName)) {
      this.#entries.set(entry.encodedName, entry);
    }
    this.anchor = entry.encodedName;
    this.#tell();
  }

  /** From the anchor to an index, and nothing else. Where the anchor is gone a range begins anew. */
  extend(entries, index) {
    let from = entries.findIndex(entry => entry.encodedName === this.anchor);
    if (from < 0) {
      from = index;
      this.anchor = entries[index].encodedName;
    }
    this.#entries = new Map(entries.slice(Math.min(from, index), Math.max(from, index) + 1).map(entry => [entry.encodedName, entry]));
    this.#tell();
  }

  all(entries) {
    this.#entries = new Map(entries.map(entry => [entry.encodedName, entry]));
    this.#tell();
  }

  /** Forgets what is not there any more. */
  retain(entries) {
    if (this.#entries.size > 0) {
      const size = this.#entries.size;
      this.#entries = new Map(entries.filter(entry => this.#entries.has(entry.encodedName)).map(entry => [entry.encodedName, entry]));
      if (this.#entries.size !== size) {
        this.#tell();
      }
    }
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
