import {request} from './api.js';
import {fill, h, newId} from './dom.js';
import {formatFullDate, formatSize} from './format.js';
import {entryIcon, icon} from './icons.js';
import {nameNode, plainName} from './names.js';
import {fileUrl} from './paths.js';

const MAX_TEXT = 1_000_000;
const MAX_PDF = 100_000_000;
/** What the server calls harmless; a picture that is a program (SVG) is not. */
const IMAGE = /\.(avif|bmp|gif|ico|jpe?g|png|webp)$/i;
const TEXT = /\.(c|cc|cfg|conf|cpp|css|csv|diff|go|h|html?|ini|java|js|json|jsonl|kt|log|md|mjs|patch|pem|pl|properties|py|rb|rs|sh|sql|svg|tex|text|toml|ts|tsv|txt|xml|ya?ml)$/i;
const PDF = /\.pdf$/i;

/**
 * Shows a file without leaving the page. What is in it is only ever shown as a picture, as text, or by the browser's own viewer for PDF.
 * Events: 'step' (-1 or 1), 'download', 'over'.
 */
export class Preview extends HTMLElement {
  #abort = new AbortController();
  #blobUrl = null;

  connectedCallback() {
    const id = newId('preview');
    this.#title = h('h2', {id});
    this.#place = h('span', {class: 'preview-place'});
    this.#body = h('div', {class: 'preview-body', tabindex: '0', role: 'region', 'aria-label': 'Contents'});
    this.#previous = this.#button('arrowLeft', 'Previous', () => this.#step(-1));
    this.#next = this.#button('arrowRight', 'Next', () => this.#step(1));
    this.#dialog = h('dialog', {
      class: 'preview', 'aria-labelledby': id, onkeydown: event => this.#key(event), onclose: () => {
        this.#clear();
        this.dispatchEvent(new CustomEvent('over'));
      },
    }, h('header', {}, this.#title, this.#place, this.#previous, this.#next,
      this.#button('download', 'Download', () => this.dispatchEvent(new CustomEvent('download'))),
      this.#button('close', 'Close', () => this.#dialog.close())), this.#body);
    this.append(this.#dialog);
  }

  #dialog;
  #title;
  #place;
  #body;
  #previous;
  #next;

  #button(picture, word, run) {
    return h('button', {type: 'button', class: 'icon-button', 'aria-label': word, title: word, onclick: run}, icon(picture));
  }

  get isOpen() {
    return this.#dialog.open;
  }

  /** @param place {index, count} among the files of the directory, as far as it is loaded; null if it is not */
  show(directory, entry, place) {
    this.#clear();
    fill(this.#title, entryIcon(entry), nameNode(entry.name));
    this.#place.textContent = place ? `${(place.index + 1).toLocaleString()} of ${place.count.toLocaleString()}` : '';
    this.#previous.disabled = !place || place.index === 0;
    this.#next.disabled = !place || place.index === place.count - 1;
    if (!this.#dialog.open) {
      this.#dialog.showModal();
    }
    this.#body.focus();
    this.#fill(directory, entry);
  }

  close() {
    if (this.#dialog.open) {
      this.#dialog.close();
    }
  }

  #clear() {
    this.#abort.abort();
    this.#abort = new AbortController();
    fill(this.#body);
    if (this.#blobUrl !== null) {
      URL.revokeObjectURL(this.#blobUrl);
      this.#blobUrl = null;
    }
  }

  async #fill(directory, entry) {
    const {signal} = this.#abort;
    const url = fileUrl(directory, entry.encodedName);
    try {
      if (IMAGE.test(entry.name)) {
        await this.#image(url, entry, signal);
      } else if (TEXT.test(entry.name)) {
        await this.#text(url, entry, signal);
      } else if (PDF.test(entry.name)) {
        await this.#pdf(url, entry, signal);
      } else {
        this.#card(entry, '');
      }
    } catch (problem) {
      if (!signal.aborted) {
        this.#card(entry, problem.message);
      }
    }
  }

  #wait() {
    fill(this.#body, h('span', {class: 'spinner', role: 'img', 'aria-label': 'Loading'}));
  }

  async #image(url, entry, signal) {
    this.#wait();
    // Asked for first, because a picture that can't be had doesn't say why.
    await request('HEAD', url, {signal});
    const image = h('img', {src: `${url}?inline`, alt: plainName(entry.name)});
    image.addEventListener('error', () => !signal.aborted && this.#card(entry, 'The picture can’t be shown.'));
    fill(this.#body, image);
  }

  async #text(url, entry, signal) {
    this.#wait();
    // Whatever the listing says: what a link leads to may be larger.
    const size = Number((await request('HEAD', url, {signal})).headers.get('Content-Length'));
    const isCut = size > MAX_TEXT;
    const response = await request('GET', url, {signal, headers: isCut ? {Range: `bytes=0-${MAX_TEXT - 1}`} : {}});
    const text = new TextDecoder().decode(await response.arrayBuffer());
    signal.throwIfAborted();
    fill(this.#body, isCut ? h('p', {class: 'preview-note'}, `Only the first ${formatSize(MAX_TEXT)} of ${formatSize(size)} are shown.`) : null,
      h('pre', {}, text));
  }

  async #pdf(url, entry, signal) {
    this.#wait();
    if (Number((await request('HEAD', url, {signal})).headers.get('Content-Length')) > MAX_PDF) {
      this.#card(entry, 'It is too large to be shown here.');
      return;
    }
    const response = await request('GET', url, {signal});
    const bytes = await response.arrayBuffer();
    signal.throwIfAborted();
    // Whatever is in it is taken for a PDF and nothing else.
    this.#blobUrl = URL.createObjectURL(new Blob([bytes], {type: 'application/pdf'}));
    fill(this.#body, h('iframe', {src: this.#blobUrl, title: plainName(entry.name)}));
  }

  #card(entry, words) {
    fill(this.#body, h('div', {class: 'preview-card'}, entryIcon(entry), h('p', {class: 'preview-card-name'}, nameNode(entry.name)),
      h('p', {class: 'hint'}, `${formatSize(entry.size)} · ${formatFullDate(new Date(entry.modified))}`),
      words ? h('p', {class: 'form-error', role: 'alert'}, words) : h('p', {class: 'hint'}, 'There is no preview of this kind of file.'),
      h('button', {type: 'button', class: 'button primary', onclick: () => this.dispatchEvent(new CustomEvent('download'))}, icon('download'), 'Download')));
  }

  #step(by) {
    if (!(by < 0 ? this.#previous : this.#next).disabled) {
      this.dispatchEvent(new CustomEvent('step', {detail: by}));
    }
  }

  #key(event) {
    if (!event.altKey && !event.ctrlKey && !event.metaKey && (event.key === 'ArrowLeft' || event.key === 'ArrowRight')) {
      event.preventDefault();
      this.#step(event.key === 'ArrowLeft' ? -1 : 1);
    }
  }
}

customElements.define('file-preview', Preview);
