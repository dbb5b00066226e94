import './file-list.js';
import './preview.js';
import {listDirectory, request} from './api.js';
import {Directory} from './directory.js';
import {fill, h, refill} from './dom.js';
import {chosenFiles, droppedFiles} from './dropped-files.js';
import {createFolder, download, moveElsewhere, remove, rename} from './file-actions.js';
import {formatCount} from './format.js';
import {icon} from './icons.js';
import {nameNode, plainName} from './names.js';
import {announce, fail} from './notices.js';
import {decodeName, fileUrl, hashOf, isSamePath, routeOf} from './paths.js';
import {Problem} from './problem.js';
import {uploads} from './uploads.js';

const FILTER_MILLISECONDS = 250;
const REFRESH_MILLISECONDS = 600;
const ORDER_KEY = 'flotilla-order';

/** The page's main part: where one is, what is there, and what can be done with it. */
export class FileBrowser extends HTMLElement {
  #path = null;
  #directory = null;
  #order = {sort: 'name', order: 'asc', query: ''};
  #shown = null;
  #filterTimer = null;
  #refreshTimer = null;
  #isStale = false;
  #gone = new AbortController();

  disconnectedCallback() {
    this.#gone.abort();
    this.#directory?.close();
  }

  connectedCallback() {
    this.#restoreOrder();
    this.#crumbs = h('ol', {});
    this.#filter = h('input', {
      type: 'search', placeholder: 'Filter this folder', 'aria-label': 'Filter this folder', autocomplete: 'off', spellcheck: 'false',
      'aria-keyshortcuts': '/', oninput: () => this.#filterLater(), onkeydown: event => this.#filterKey(event),
    });
    this.#tools = h('div', {class: 'tools', role: 'group', 'aria-label': 'Actions'});
    this.#status = h('p', {class: 'status', role: 'status'});
    this.#list = document.createElement('file-list');
    this.#preview = document.createElement('file-preview');
    this.#files = h('input', {type: 'file', multiple: true, hidden: true, 'aria-label': 'Files', onchange: event => this.#chosen(event.target)});
    this.#folder = h('input', {type: 'file', webkitdirectory: true, hidden: true, 'aria-label': 'Folder', onchange: event => this.#chosen(event.target)});
    fill(this,
      h('div', {class: 'bar'}, h('nav', {'aria-label': 'Folders', class: 'crumbs'}, this.#crumbs),
        h('div', {class: 'filter'}, icon('search'), this.#filter, h('kbd', {'aria-hidden': 'true'}, '/')),
        h('button', {type: 'button', class: 'icon-button refresh', 'aria-label': 'Refresh', title: 'Refresh', onclick: () => this.#refresh()}, icon('refresh'))),
      this.#tools, h('main', {}, this.#list), this.#status, this.#preview, this.#files, this.#folder,
      h('div', {class: 'drop-target', 'aria-hidden': 'true'}, icon('cloudUpload'), h('p', {}, 'Drop to upload here')));
    this.#listen();
    this.#drawTools();
    this.#route();
  }

  #crumbs;
  #filter;
  #tools;
  #status;
  #list;
  #preview;
  #files;
  #folder;

  #listen() {
    const list = this.#list;
    list.addEventListener('open', event => this.#open(event.detail));
    list.addEventListener('sort', event => this.#sort(event.detail));
    list.addEventListener('selected', () => this.#drawTools());
    list.addEventListener('summary', event => {
      this.#summary = event.detail;
      this.#drawStatus();
    });
    list.addEventListener('rename', () => this.#rename());
    list.addEventListener('remove', () => this.#remove());
    list.addEventListener('up', () => this.#path.length > 0 && this.#go(this.#path.slice(0, -1)));
    this.#preview.addEventListener('step', event => this.#step(event.detail));
    this.#preview.addEventListener('download', () => download(this.#path, [this.#shown]));
    this.#preview.addEventListener('over', () => this.#previewOver());
    const {signal} = this.#gone;
    window.addEventListener('hashchange', () => this.#route(), {signal});
    document.addEventListener('keydown', event => this.#key(event), {signal});
    uploads.addEventListener('arrived', event => isSamePath(event.detail, this.#path) && this.#refreshLater(), {signal});
    this.#listenToDrops(signal);
  }

  #listenToDrops(signal) {
    let depth = 0;
    const isOfFiles = event => event.dataTransfer?.types.includes('Files') && !document.querySelector('dialog[open]');
    const mark = () => this.classList.toggle('is-dropping', depth > 0);
    document.addEventListener('dragenter', event => {
      if (isOfFiles(event)) {
        depth++;
        mark();
      }
    }, {signal});
    document.addEventListener('dragleave', event => {
      if (isOfFiles(event)) {
        depth = Math.max(0, depth - 1);
        mark();
      }
    }, {signal});
    document.addEventListener('dragover', event => event.dataTransfer?.types.includes('Files') && event.preventDefault(), {signal});
    document.addEventListener('drop', event => {
      depth = 0;
      mark();
      if (event.dataTransfer?.types.includes('Files')) {
        event.preventDefault(); // else the browser would leave the page for the file
        if (isOfFiles(event)) {
          this.#upload(droppedFiles(event.dataTransfer));
        }
      }
    }, {signal});
  }

  // Where one is.

  #route() {
    const {directory, file} = routeOf(location.hash);
    if (this.#path === null || !isSamePath(directory, this.#path)) {
      this.#show(directory);
    }
    if (file === null) {
      this.#preview.close();
    } else if (this.#shown?.encodedName !== file) {
      this.#find(file);
    }
  }

  #go(directory, file = null) {
    location.hash = hashOf(directory, file);
  }

  #show(path) {
    this.#path = path;
    this.#shown = null; // another folder's may have the same name
    this.#order = {...this.#order, query: ''};
    this.#filter.value = '';
    const place = path.length === 0 ? 'Home' : decodeName(path.at(-1));
    document.title = `${plainName(place)} – Flotilla`;
    announce(`Folder ${plainName(place)}`);
    this.#drawCrumbs();
    this.#load();
    this.#list.focusList();
  }

  #load() {
    this.#directory?.close();
    this.#directory = new Directory(this.#path, this.#order);
    this.#list.show(this.#directory);
    this.#directory.open();
    this.#drawTools();
  }

  #refresh() {
    return this.#directory.reload();
  }

  #refreshLater() {
    if (this.#refreshTimer !== null) {
      this.#isStale = true;
      return;
    }
    // One after the other: a large folder takes longer to be read than the next file to arrive.
    this.#refreshTimer = setTimeout(async () => {
      this.#isStale = false;
      await this.#refresh();
      this.#refreshTimer = null;
      if (this.#isStale && !this.#gone.signal.aborted) {
        this.#refreshLater();
      }
    }, REFRESH_MILLISECONDS);
  }

  #drawCrumbs() {
    const path = this.#path;
    const crumb = (depth, content) => h('li', {}, depth === path.length
      ? h('span', {class: 'crumb', 'aria-current': 'page'}, content) : h('a', {class: 'crumb', href: hashOf(path.slice(0, depth))}, content));
    fill(this.#crumbs, crumb(0, [icon('home'), 'Home']), path.map((name, i) => crumb(i + 1, nameNode(decodeName(name)))));
    this.#crumbs.parentElement.scrollLeft = this.#crumbs.scrollWidth;
  }

  #restoreOrder() {
    const [sort, order] = (localStorage.getItem(ORDER_KEY) ?? '').split(' ');
    if (['name', 'size', 'modified'].includes(sort) && ['asc', 'desc'].includes(order)) {
      this.#order = {...this.#order, sort, order};
    }
  }

  #sort(key) {
    const order = this.#order.sort === key ? this.#order.order === 'asc' ? 'desc' : 'asc' : key === 'name' ? 'asc' : 'desc';
    this.#order = {...this.#order, sort: key, order};
    localStorage.setItem(ORDER_KEY, `${key} ${order}`);
    this.#load();
  }

  #filterLater() {
    clearTimeout(this.#filterTimer);
    this.#filterTimer = setTimeout(() => {
      const query = this.#filter.value.trim();
      if (query !== this.#order.query) {
        this.#order = {...this.#order, query};
        this.#load();
      }
    }, FILTER_MILLISECONDS);
  }

  #filterKey(event) {
    if (event.key === 'Escape' && this.#filter.value !== '') {
      event.preventDefault();
      this.#filter.value = '';
      this.#filterLater();
    } else if (event.key === 'Escape' || event.key === 'ArrowDown' || event.key === 'Enter') {
      event.preventDefault();
      this.#list.focusList();
    }
  }

  #key(event) {
    const isTyping = event.target.matches?.('input:not([type=checkbox]), textarea, select');
    if (event.key === '/' && !isTyping && !event.ctrlKey && !event.metaKey && !event.altKey && !document.querySelector('dialog[open]')) {
      event.preventDefault();
      this.#filter.focus();
    }
  }

  // What is there.

  #summary = '';

  #drawStatus() {
    this.#status.textContent = this.#summary;
  }

  #drawTools() {
    const chosen = this.#list.selection.size;
    // The short words are for where it is narrow.
    const button = (picture, words, run, className = '', short = words) => h('button', {
      type: 'button', class: `button ${className}`, 'aria-label': words, onclick: run,
    }, icon(picture), h('span', {class: 'long'}, words), h('span', {class: 'short'}, short));
    refill(this.#tools, chosen === 0 ? [
      button('upload', 'Upload files', () => this.#files.click(), 'primary', 'Files'),
      button('uploadFolder', 'Upload folder', () => this.#folder.click(), '', 'Folder'),
      button('folderPlus', 'New folder', () => this.#createFolder(), '', 'New'),
    ] : [
      h('span', {class: 'chosen'}, `${chosen.toLocaleString()} selected`),
      button('download', 'Download', () => download(this.#path, this.#list.chosen), 'primary'),
      chosen === 1 ? button('pencil', 'Rename', () => this.#rename()) : null,
      button('move', 'Move', () => this.#move()),
      button('trash', 'Delete', () => this.#remove(), 'dangerous'),
      h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Clear the selection', title: 'Clear the selection', onclick: () => {
        this.#list.selection.clear();
        this.#list.focusList();
      }}, icon('close')),
    ]);
    this.#tools.classList.toggle('has-selection', chosen > 0);
  }

  // What is done.

  async #open(entry) {
    try {
      if (entry.type === 'directory' || entry.type === 'link' && await this.#leadsToDirectory(entry)) {
        this.#go([...this.#path, entry.encodedName]);
      } else if (entry.type !== 'other') {
        this.#go(this.#path, entry.encodedName);
      }
    } catch (problem) {
      fail(problem, plainName(entry.name));
    }
  }

  async #leadsToDirectory(entry) {
    const response = await request('HEAD', fileUrl(this.#path, entry.encodedName));
    return !response.headers.has('Accept-Ranges'); // as files have
  }

  async #createFolder() {
    const path = this.#path;
    await this.#changing(async () => {
      const made = await createFolder(path);
      if (made !== null) {
        await this.#directory.reload();
        this.#list.reveal(made);
      }
    });
  }

  async #rename() {
    const [entry, ...others] = this.#list.chosen;
    if (entry && others.length === 0) {
      await this.#changing(async () => {
        const name = await rename(this.#path, entry);
        if (name !== null) {
          this.#list.selection.clear();
          await this.#directory.reload();
          this.#list.reveal(name);
        }
      });
    }
  }

  async #move() {
    const entries = this.#list.chosen;
    await this.#changing(async () => {
      if (entries.length > 0 && await moveElsewhere(this.#path, entries)) {
        await this.#directory.reload();
        this.#list.settle();
      }
    });
  }

  async #remove() {
    const entries = this.#list.chosen;
    await this.#changing(async () => {
      if (entries.length > 0 && await remove(this.#path, entries)) {
        await this.#directory.reload();
        this.#list.settle();
      }
    });
  }

  /** Does something that may fail; then the keys are for the list again. */
  async #changing(act) {
    try {
      await act();
    } catch (problem) {
      fail(problem);
    }
    this.#list.focusList();
  }

  #chosen(input) {
    const files = [...input.files];
    input.value = ''; // so that the same may be chosen again
    this.#upload(Promise.resolve(files).then(chosenFiles));
    this.#list.focusList();
  }

  async #upload(choosing) {
    const path = this.#path;
    try {
      const chosen = await choosing;
      if (this.#gone.signal.aborted) {
        return; // the user has signed out meanwhile
      }
      if (chosen.files.length > 0) {
        announce(`Uploading ${formatCount(chosen.files.length, 'file')}`);
      }
      await uploads.add(path, chosen);
    } catch (problem) {
      fail(problem, 'Upload');
    }
  }

  // What is shown of a file.

  get #previewable() {
    return this.#directory.entries.filter(entry => entry.type === 'file' || entry.type === 'link');
  }

  async #find(name) {
    const path = this.#path;
    let entry = this.#directory.entries.find(one => one.encodedName === name);
    if (!entry) {
      try {
        const found = await listDirectory(path, {sort: 'name', order: 'asc', query: decodeName(name)});
        entry = found.entries.find(one => one.encodedName === name);
      } catch (problem) {
        fail(problem, plainName(decodeName(name)));
      }
    }
    const route = routeOf(location.hash);
    if (route.file !== name || !isSamePath(route.directory, path)) {
      return;
    }
    if (!entry) {
      fail(new Problem(404, 'It is not there any more.'), plainName(decodeName(name)));
      history.replaceState(null, '', hashOf(path));
    } else if (entry.type === 'directory') {
      history.replaceState(null, '', hashOf([...path, name]));
      this.#route();
    } else {
      this.#present(entry);
    }
  }

  #present(entry) {
    this.#shown = entry;
    const files = this.#previewable;
    const index = files.findIndex(one => one.encodedName === entry.encodedName);
    this.#preview.show(this.#path, entry, index < 0 ? null : {index, count: files.length});
    this.#list.reveal(entry.encodedName);
  }

  #step(by) {
    const files = this.#previewable;
    const next = files[files.findIndex(one => one.encodedName === this.#shown.encodedName) + by];
    if (next) {
      history.replaceState(null, '', hashOf(this.#path, next.encodedName));
      this.#present(next);
    }
  }

  #previewOver() {
    this.#shown = null;
    if (routeOf(location.hash).file !== null) {
      history.replaceState(null, '', hashOf(this.#path));
    }
    this.#list.focusList();
  }
}

customElements.define('file-browser', FileBrowser);
