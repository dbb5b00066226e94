import {fill, h, newId} from './dom.js';
import {formatCount, formatDate, formatFullDate, formatSize} from './format.js';
import {entryIcon, icon} from './icons.js';
import {nameNode, plainName} from './names.js';
import {fileUrl, hashOf} from './paths.js';
import {Selection} from './selection.js';

/** Rows beyond those that can be seen, on both sides. */
const OVERSCAN = 10;
/** How many rows before the end of what is loaded the next page is asked for. */
const AHEAD = 400;
const COLUMNS = [['name', 'Name'], ['size', 'Size'], ['modified', 'Modified']];
const NARROW = matchMedia('(max-width: 40rem)');

/**
 * The entries of a directory, of which only those that can be seen are in the document. The grid has the focus, and names the row that
 * the keys are about. Events: 'open' (an entry), 'sort' (a column), 'rename', 'remove', 'filter', 'selected'.
 */
export class FileList extends HTMLElement {
  selection = new Selection();
  #directory = null;
  /** Where the keys are: a row, and the entry that was in it, which may be in another row or gone since. None in an empty list. */
  #active = 0;
  #activeName = null;
  #rows = new Map();
  #id = newId('row');
  #isScheduled = false;
  #announced = '';

  connectedCallback() {
    this.#body = h('div', {role: 'rowgroup', class: 'rows'});
    this.#head = h('div', {role: 'row', class: 'head', 'aria-rowindex': '1'}, this.#makeHead());
    this.#grid = h('div', {
      role: 'grid', class: 'grid', tabindex: '0', 'aria-label': 'Files', 'aria-multiselectable': 'true',
      onscroll: () => this.#schedule(), onkeydown: event => this.#key(event), onclick: event => this.#click(event),
    }, h('div', {role: 'rowgroup', class: 'heads'}, this.#head), this.#body);
    this.#message = h('div', {class: 'message'});
    fill(this, this.#grid, this.#message);
    this.selection.addEventListener('change', () => this.#selected());
    new ResizeObserver(() => this.#schedule()).observe(this.#grid);
    NARROW.addEventListener('change', () => this.#redraw());
  }

  #grid;
  #head;
  #all;
  #columns;
  #body;
  #message;

  /** Shows a directory, from its beginning. */
  show(directory) {
    this.#directory = directory;
    this.selection.clear();
    this.#active = 0;
    this.#activeName = null;
    this.#grid.scrollTop = 0;
    this.#announced = '';
    directory.addEventListener('change', () => {
      if (directory === this.#directory) {
        this.#update();
      }
    });
    this.#update();
  }

  focusList() {
    this.#grid.focus({preventScroll: true});
  }

  /** What the keys and buttons are about: what is selected, else the row where the keys are. */
  get chosen() {
    const entry = this.#activeEntry;
    return this.selection.size > 0 ? this.selection.entries : entry ? [entry] : [];
  }

  /** None if what the keys were about is gone: what has moved into its place was not meant by them. */
  get #activeEntry() {
    const entry = this.#directory?.entries[this.#active];
    return entry?.encodedName === this.#activeName ? entry : undefined;
  }

  /** The keys are about what is where they were, after the user has removed what was there. */
  settle() {
    if (this.#activeEntry === undefined) {
      this.#activate(this.#active);
    }
  }

  /** Goes to an entry, if it is loaded. */
  reveal(encodedName) {
    const index = this.#directory.entries.findIndex(entry => entry.encodedName === encodedName);
    if (index >= 0) {
      this.#activate(index);
    }
  }

  get #rowHeight() {
    return NARROW.matches ? 58 : 42;
  }

  #update() {
    const {entries} = this.#directory;
    this.#follow(entries);
    this.#redraw();
    if (!this.#directory.order.query) {
      this.selection.retain(entries); // the rows are those of the entries by now
    }
    this.#tell();
  }

  /** Entries come and go beside the one that the keys are about. */
  #follow(entries) {
    const index = this.#activeName === null ? -1 : entries.findIndex(entry => entry.encodedName === this.#activeName);
    this.#active = index >= 0 ? index : Math.max(0, Math.min(this.#active, entries.length - 1));
    if (entries.length === 0) {
      this.#activeName = null;
    } else if (this.#activeName === null) {
      this.#activeName = entries[this.#active].encodedName;
      this.selection.anchor = this.#activeName;
    }
  }

  #redraw() {
    if (this.#directory === null) {
      return;
    }
    const {entries, isComplete} = this.#directory;
    this.#rows.forEach(row => row.remove());
    this.#rows.clear();
    this.#grid.setAttribute('aria-rowcount', isComplete ? entries.length + 1 : -1);
    this.#body.style.height = `${entries.length * this.#rowHeight}px`;
    this.#drawHead();
    this.#drawRows();
  }

  #makeHead() {
    this.#all = h('input', {type: 'checkbox', 'aria-label': 'Select all', onchange: event => this.#selectAll(event.target.checked)});
    this.#columns = COLUMNS.map(([key]) => h('span', {role: 'columnheader', class: `cell-${key}`},
      h('button', {type: 'button', class: 'sort', 'data-sort': key})));
    return [h('span', {role: 'columnheader', class: 'cell-check'}, this.#all), ...this.#columns];
  }

  /** Its elements stay: one of them may have the focus. */
  #drawHead() {
    const {order, entries} = this.#directory;
    const selected = this.selection.size;
    this.#all.checked = selected > 0 && selected === entries.length;
    this.#all.indeterminate = selected > 0 && selected < entries.length;
    this.#all.disabled = entries.length === 0;
    COLUMNS.forEach(([key, label], i) => {
      const isSorted = order.sort === key;
      this.#columns[i].setAttribute('aria-sort', isSorted ? order.order === 'desc' ? 'descending' : 'ascending' : 'none');
      fill(this.#columns[i].firstChild, label, isSorted ? icon('chevronDown') : null);
    });
  }

  #schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      requestAnimationFrame(() => {
        this.#isScheduled = false;
        this.#drawRows();
      });
    }
  }

  #drawRows() {
    if (this.#directory === null) {
      return;
    }
    const {entries} = this.#directory;
    const height = this.#rowHeight;
    const first = Math.max(0, Math.floor(this.#grid.scrollTop / height) - OVERSCAN);
    const last = Math.min(entries.length, Math.ceil((this.#grid.scrollTop + this.#grid.clientHeight) / height) + OVERSCAN);
    for (const [index, row] of this.#rows) {
      if (index < first || index >= last) {
        row.remove();
        this.#rows.delete(index);
      }
    }
    for (let index = first; index < last; index++) {
      if (!this.#rows.has(index)) {
        this.#rows.set(index, this.#row(entries[index], index));
      }
    }
    // In their order, as they are read out.
    this.#body.append(...[...this.#rows].sort(([one], [other]) => one - other).map(([, row]) => row).filter(row => !row.isConnected));
    this.#markActive();
    if (last > entries.length - AHEAD && this.#directory.state === 'ready') {
      this.#directory.more();
    }
  }

  #row(entry, index) {
    const isSelected = this.selection.has(entry);
    const isDirectory = entry.type === 'directory';
    const date = new Date(entry.modified);
    const path = this.#directory.path;
    const check = h('input', {type: 'checkbox', tabindex: '-1', 'aria-label': `Select ${plainName(entry.name)}`});
    check.checked = isSelected;
    const row = h('div', {
      role: 'row', id: `${this.#id}-${index}`, class: isDirectory ? 'row is-directory' : 'row', 'data-index': index, 'aria-rowindex': index + 2,
      'aria-selected': String(isSelected),
    },
    h('span', {role: 'gridcell', class: 'cell-check'}, check),
    h('span', {role: 'gridcell', class: 'cell-name', title: plainName(entry.name)}, entryIcon(entry),
      entry.type === 'other' ? nameNode(entry.name)
        : h('a', {
          href: isDirectory ? hashOf([...path, entry.encodedName]) : fileUrl(path, entry.encodedName), tabindex: '-1', class: 'entry',
          draggable: 'false',
        }, nameNode(entry.name))),
    h('span', {role: 'gridcell', class: 'cell-size'}, isDirectory ? '—' : formatSize(entry.size)),
    h('span', {role: 'gridcell', class: 'cell-modified', title: formatFullDate(date)}, formatDate(date)));
    row.style.transform = `translateY(${index * this.#rowHeight}px)`;
    return row;
  }

  #markActive() {
    const row = this.#activeEntry && this.#rows.get(this.#active);
    this.#body.querySelector('.active')?.classList.remove('active');
    if (row) {
      row.classList.add('active');
      this.#grid.setAttribute('aria-activedescendant', row.id);
    } else {
      this.#grid.removeAttribute('aria-activedescendant');
    }
  }

  #tell() {
    const {state, entries, problem, isComplete, isLoadingMore, order} = this.#directory;
    this.classList.toggle('is-empty', entries.length === 0);
    this.classList.toggle('is-loading', isLoadingMore);
    this.setAttribute('aria-busy', String(isLoadingMore));
    if (state === 'failed') {
      fill(this.#message, icon('warning'), h('p', {}, problem.message),
        h('button', {type: 'button', class: 'button', onclick: () => this.#directory.reload()}, icon('refresh'), 'Try again'));
    } else if (entries.length > 0) {
      fill(this.#message);
    } else if (state === 'loading') {
      fill(this.#message, h('span', {class: 'spinner'}), h('p', {}, 'Loading…'));
    } else if (order.query) {
      fill(this.#message, icon('search'), h('p', {}, 'No name here has that in it.'));
    } else {
      fill(this.#message, icon('cloudUpload'), h('p', {}, 'This folder is empty.'), h('p', {class: 'hint'}, 'Drop files or folders here to upload them.'));
    }
    this.#message.hidden = this.#message.childNodes.length === 0;
    const summary = state === 'failed' ? '' : state === 'loading' ? 'Loading…'
      : `${formatCount(entries.length, 'item')}${isComplete ? '' : ' loaded, there are more'}`;
    if (summary !== this.#announced) {
      this.#announced = summary;
      this.dispatchEvent(new CustomEvent('summary', {detail: summary}));
    }
  }

  #selected() {
    this.#drawHead();
    for (const [index, row] of this.#rows) {
      const isSelected = this.selection.has(this.#directory.entries[index]);
      row.setAttribute('aria-selected', String(isSelected));
      row.querySelector('input').checked = isSelected;
    }
    this.dispatchEvent(new CustomEvent('selected'));
  }

  async #selectAll(isWanted) {
    if (isWanted) {
      const directory = this.#directory;
      if (await directory.all() && directory === this.#directory) {
        this.selection.all(directory.entries);
      }
    } else {
      this.selection.clear();
    }
  }

  #click(event) {
    const sort = event.target.closest('[data-sort]');
    if (sort) {
      const key = sort.dataset.sort;
      this.dispatchEvent(new CustomEvent('sort', {detail: key}));
      return;
    }
    const row = event.target.closest('.row');
    if (!row) {
      return;
    }
    const index = Number(row.dataset.index);
    const entry = this.#directory.entries[index];
    this.#active = index;
    this.#activeName = entry.encodedName;
    this.#markActive();
    if (event.shiftKey) {
      event.preventDefault();
      this.selection.extend(this.#directory.entries, index);
    } else if (event.ctrlKey || event.metaKey || event.target.closest('.cell-check')) {
      if (!event.target.closest('input')) {
        event.preventDefault();
      }
      this.selection.toggle(entry);
    } else if (event.target.closest('a')) {
      event.preventDefault();
      this.#open(entry);
    } else {
      this.selection.only(entry);
    }
    if (event.target.closest('input')) {
      this.focusList(); // the keys stay where they are
    }
  }

  #open(entry) {
    this.dispatchEvent(new CustomEvent('open', {detail: entry}));
  }

  #activate(index) {
    const {entries} = this.#directory;
    this.#active = Math.max(0, Math.min(entries.length - 1, index));
    this.#activeName = entries[this.#active]?.encodedName ?? null;
    const height = this.#rowHeight;
    const top = this.#active * height;
    const visible = this.#grid.clientHeight - this.#head.offsetHeight;
    if (top < this.#grid.scrollTop) {
      this.#grid.scrollTop = top;
    } else if (top + height > this.#grid.scrollTop + visible) {
      this.#grid.scrollTop = top + height - visible;
    }
    this.#drawRows();
  }

  async #key(event) {
    const {entries} = this.#directory;
    const page = Math.max(1, Math.floor((this.#grid.clientHeight - this.#head.offsetHeight) / this.#rowHeight) - 1);
    const move = to => {
      event.preventDefault();
      this.#activate(to);
      if (event.shiftKey && entries.length > 0) {
        this.selection.extend(entries, this.#active);
      } else if (!event.ctrlKey) {
        this.selection.anchor = this.#activeName;
      }
    };
    const entry = this.#activeEntry;
    if (event.altKey || event.target !== this.#grid) {
      return;
    }
    switch (event.key) {
      case 'ArrowDown': move(entry ? this.#active + 1 : this.#active); break;
      case 'ArrowUp': move(this.#active - 1); break;
      case 'PageDown': move(this.#active + page); break;
      case 'PageUp': move(this.#active - page); break;
      case 'Home': move(0); break;
      case 'End':
        event.preventDefault();
        await this.#directory.all();
        this.#activate(this.#directory.entries.length - 1);
        if (event.shiftKey && this.#directory.entries.length > 0) {
          this.selection.extend(this.#directory.entries, this.#active);
        }
        break;
      case ' ':
        event.preventDefault();
        if (entry) {
          this.selection.toggle(entry);
        }
        break;
      case 'Enter':
        event.preventDefault();
        if (entry) {
          this.#open(entry);
        }
        break;
      case 'a':
        if (event.ctrlKey || event.metaKey) {
          event.preventDefault();
          await this.#selectAll(true);
        }
        break;
      case 'Escape': this.selection.clear(); break;
      case 'F2': this.#ask(event, 'rename'); break;
      case 'Delete': this.#ask(event, 'remove'); break;
      case 'Backspace': this.#ask(event, 'up'); break;
      default:
    }
  }

  #ask(event, what) {
    event.preventDefault();
    this.dispatchEvent(new CustomEvent(what));
  }
}

customElements.define('file-list', FileList);
