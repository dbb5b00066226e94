import {fill, h} from './dom.js';
import {formatCount, formatDuration, formatSize} from './format.js';
import {icon} from './icons.js';
import {nameNode, plainName} from './names.js';
import {announce} from './notices.js';
import {uploads} from './uploads.js';

const MAX_ROWS = 60;
const ORDER = ['asking', 'failed', 'running', 'paused', 'waiting', 'skipped', 'done', 'cancelled'];
const REDRAW_MILLISECONDS = 200;

/** The uploads that run, wait, or are over, in a corner of the page. */
export class TransferList extends HTMLElement {
  #isScheduled = false;
  #isFolded = false;
  #wasBusy = false;
  #rows = new Map();
  #gone = new AbortController();

  connectedCallback() {
    this.#title = h('span', {class: 'transfers-title'});
    this.#bar = h('progress', {max: '1', value: '0', 'aria-label': 'All uploads'});
    this.#fold = h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Fold or unfold the list', 'aria-expanded': 'true', onclick: () => {
      this.#isFolded = !this.#isFolded;
      this.#fold.setAttribute('aria-expanded', String(!this.#isFolded));
      this.classList.toggle('is-folded', this.#isFolded);
    }}, icon('chevronDown'));
    this.#close = h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Clear the list', onclick: () => uploads.clear()}, icon('close'));
    this.#list = h('ul', {class: 'transfers', 'aria-label': 'Uploads', tabindex: '0'});
    this.#more = h('p', {class: 'transfers-more'});
    fill(this, h('section', {'aria-label': 'Uploads'}, h('header', {}, this.#title, this.#fold, this.#close), this.#bar, this.#list, this.#more));
    this.hidden = true;
    const {signal} = this.#gone;
    uploads.addEventListener('change', () => this.#schedule(), {signal});
    window.addEventListener('beforeunload', event => {
      if (uploads.transfers.some(transfer => ['running', 'waiting', 'asking'].includes(transfer.state))) {
        event.preventDefault();
      }
    }, {signal});
  }

  disconnectedCallback() {
    this.#gone.abort();
  }

  #title;
  #bar;
  #fold;
  #close;
  #list;
  #more;

  #schedule() {
    if (!this.#isScheduled) {
      this.#isScheduled = true;
      setTimeout(() => {
        this.#isScheduled = false;
        this.#draw();
      }, REDRAW_MILLISECONDS);
    }
  }

  #draw() {
    const {transfers} = uploads;
    this.hidden = transfers.length === 0;
    const counted = transfers.filter(transfer => !['cancelled', 'skipped'].includes(transfer.state));
    const total = counted.reduce((sum, transfer) => sum + transfer.file.size, 0);
    const sent = counted.reduce((sum, transfer) => sum + Math.min(transfer.sent, transfer.file.size), 0);
    const left = counted.filter(transfer => transfer.isOpen && transfer.state !== 'failed').length;
    const failed = counted.filter(transfer => transfer.state === 'failed').length;
    const speed = uploads.running.reduce((sum, transfer) => sum + transfer.speed, 0);
    const title = left > 0 ? `Uploading ${formatCount(left, 'file')}${speed > 0 ? ` · ${formatSize(speed)}/s` : ''}`
      : failed > 0 ? `${formatCount(failed, 'upload')} failed` : 'Uploads are complete';
    this.#title.textContent = title;
    this.#bar.value = total === 0 ? Number(left === 0) : sent / total;
    this.#bar.hidden = left === 0;
    this.#close.hidden = uploads.open.length > 0;
    if (this.#wasBusy && left === 0) {
      announce(title);
    }
    this.#wasBusy = left > 0;
    this.#drawRows([...transfers].sort((one, other) => ORDER.indexOf(one.state) - ORDER.indexOf(other.state)));
  }

  /** Rows are kept, so that a button has the focus for as long as it is there. */
  #drawRows(sorted) {
    const shown = sorted.slice(0, MAX_ROWS);
    for (const [transfer, row] of this.#rows) {
      if (!shown.includes(transfer)) {
        row.element.remove();
        this.#rows.delete(transfer);
      }
    }
    shown.forEach((transfer, i) => {
      if (!this.#rows.has(transfer)) {
        this.#rows.set(transfer, new TransferRow(transfer));
      }
      const row = this.#rows.get(transfer);
      row.update();
      if (this.#list.children[i] !== row.element && !row.element.contains(document.activeElement)) {
        this.#list.insertBefore(row.element, this.#list.children[i] ?? null);
      }
    });
    this.#more.textContent = sorted.length > MAX_ROWS ? `and ${formatCount(sorted.length - MAX_ROWS, 'more', 'more')}` : '';
    this.#more.hidden = sorted.length <= MAX_ROWS;
  }
}

const SIGNS = {done: 'check', failed: 'warning', paused: 'pause', asking: 'warning'};

class TransferRow {
  #state = null;

  constructor(transfer) {
    this.transfer = transfer;
    this.bar = h('progress', {max: '1', value: '0', 'aria-label': `Upload of ${plainName(transfer.displayName)}`});
    this.words = h('span', {class: 'transfer-words'});
    this.sign = h('span', {class: 'transfer-sign'});
    this.name = h('span', {class: 'transfer-name'});
    this.buttons = h('span', {class: 'transfer-buttons'});
    this.element = h('li', {class: 'transfer'}, this.sign, h('div', {class: 'transfer-main'}, this.name, this.bar, this.words), this.buttons);
  }

  update() {
    const {transfer} = this;
    const {state} = transfer;
    if (this.shownName !== transfer.name) {
      this.shownName = transfer.name;
      fill(this.name, nameNode(transfer.displayName));
      this.name.title = plainName(transfer.displayName);
    }
    if (this.#state !== state) {
      this.#state = state;
      this.element.dataset.state = state;
      fill(this.sign, icon(SIGNS[state] ?? 'upload'));
      const label = plainName(transfer.displayName);
      const button = (picture, word, run) => h('button', {
        type: 'button', class: 'icon-button', 'aria-label': `${word} ${label}`, title: word, onclick: () => run(transfer),
      }, icon(picture));
      fill(this.buttons,
        state === 'running' || state === 'waiting' ? button('pause', 'Pause', one => uploads.pause(one)) : null,
        state === 'paused' ? button('play', 'Resume', one => uploads.resume(one)) : null,
        state === 'failed' ? button('refresh', 'Retry', one => uploads.resume(one)) : null,
        transfer.isOpen ? button('close', 'Cancel', one => uploads.cancel(one)) : null);
    }
    this.bar.value = transfer.file.size === 0 ? Number(state === 'done') : transfer.sent / transfer.file.size;
    this.bar.hidden = !['running', 'paused', 'asking'].includes(state);
    this.words.textContent = this.#describe();
  }

  #describe() {
    const {transfer} = this;
    const size = formatSize(transfer.file.size);
    const {speed} = transfer;
    switch (transfer.state) {
      case 'waiting': return `Waiting · ${size}`;
      case 'asking': return 'The name is taken';
      case 'paused': return `Paused · ${formatSize(transfer.sent)} of ${size}`;
      case 'failed': return transfer.problem.message;
      case 'skipped': return 'Skipped: the name is taken';
      case 'cancelled': return 'Cancelled';
      case 'done': return size;
      default:
        return transfer.waitsFor ? `${transfer.waitsFor} · ${formatSize(transfer.sent)} of ${size}`
          : `${formatSize(transfer.sent)} of ${size}${speed > 0
            ? ` · ${formatSize(speed)}/s · ${formatDuration((transfer.file.size - transfer.sent) / speed)} left` : ''}`;
    }
  }
}

customElements.define('transfer-list', TransferList);
