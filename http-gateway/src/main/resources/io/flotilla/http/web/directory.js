import {listDirectory} from './api.js';

/** More than a browser can lay out, and than anybody scrolls through. */
const MAX_ENTRIES = 250_000;

/**
 * The entries of a directory in one order, as many as have been asked for. Tells of changes by the event 'change'. What was asked for
 * and isn't wanted any more is given up.
 */
export class Directory extends EventTarget {
  entries = [];
  /** 'loading' until the first page has come, then 'ready' or 'failed'. */
  state = 'loading';
  problem = null;
  isLoadingMore = false;
  #next = null;
  #abort = new AbortController();
  #running = null;

  /** @param order {sort, order, query} as the server takes them */
  constructor(path, order) {
    super();
    this.path = path;
    this.order = order;
  }

  get isComplete() {
    return this.state === 'ready' && this.#next === null;
  }

  get isFull() {
    return this.entries.length >= MAX_ENTRIES;
  }

  close() {
    this.#abort.abort(new DOMException('given up', 'AbortError'));
  }

  async open() {
    await this.#run(() => this.#page([], 1));
  }

  /** Asks anew for as many entries as there are; what is shown stays until they have come. */
  async reload() {
    this.#abort.abort(new DOMException('given up', 'AbortError'));
    this.#abort = new AbortController();
    this.#running = null;
    await this.#run(() => this.#page([], this.entries.length));
  }

  /** Asks for the next page. */
  async more() {
    if (this.#running === null && this.state === 'ready' && this.#next !== null && !this.isFull) {
      await this.#run(() => this.#page(this.entries, this.entries.length + 1));
    }
  }

  /** Asks for all there is; gives up when a page fails, or nobody wants it any more. */
  async all() {
    await this.#running;
    while (this.#next !== null && this.state === 'ready' && !this.isFull && !this.#abort.signal.aborted) {
      await (this.#running ?? this.more()); // a reload may have come in between
    }
    return this.isComplete;
  }

  async #run(load) {
    const signal = this.#abort.signal;
    this.isLoadingMore = true;
    const running = load().then(() => {
      this.state = 'ready';
      this.problem = null;
    }).catch(problem => {
      if (!signal.aborted) {
        this.state = 'failed';
        this.problem = problem;
      }
    });
    this.#running = running;
    this.#tell(); // not before: whoever is told may ask for more
    await running;
    if (this.#running === running) {
      this.#running = null;
      this.isLoadingMore = false;
      if (!signal.aborted) {
        this.#tell();
      }
    }
  }

  /** Adds pages until there are as many entries as wanted, or all. */
  async #page(before, wanted) {
    const signal = this.#abort.signal;
    let entries = before;
    let next = entries.length === 0 ? undefined : this.#next;
    do {
      const told = await listDirectory(this.path, {...this.order, after: next}, signal);
      signal.throwIfAborted();
      entries = entries.concat(told.entries);
      next = told.next;
    } while (next !== null && entries.length < wanted);
    this.entries = entries;
    this.#next = next;
  }

  #tell() {
    this.dispatchEvent(new Event('change'));
  }
}
