import {request} from './api.js';
import {choice} from './dialogs.js';
import {h, pause} from './dom.js';
import {formatCount} from './format.js';
import {nameNode, plainName} from './names.js';
import {notify} from './notices.js';
import {decodeName, directoryUrl, encodeName, fileUrl} from './paths.js';
import {Problem} from './problem.js';
import {TakenProblem, TusUpload} from './tus-upload.js';
import {isSameFile} from './upload-memory.js';

const MAX_RUNNING = 3;
const MAX_OTHER_NAMES = 100;
/** Finished ones that are still shown. */
const MAX_FINISHED = 100;
const SPEED_MILLISECONDS = 4000;
/** Of a folder that is made, in a row. */
const MAX_FAILURES = 10;
const LEAST_PAUSE = 500;
const MOST_PAUSE = 15_000;

/** What can be done with transfers in a state. */
export const RUNNING = new Set(['running', 'asking']);
const OPEN = new Set(['waiting', 'running', 'asking', 'paused', 'failed']);

/** What was chosen together: folders that have to be there first, and one answer for all names that are taken. */
class Batch {
  answer = null;
  #making = null;
  #hasFailed = false;
  #made = 0;

  /** @param signal aborted when whoever has chosen it is not signed in any more */
  constructor(directory, folders, signal) {
    this.directory = directory;
    this.folders = folders;
    this.signal = signal;
  }

  /** Makes what is not there, once for all; what has failed fails for all of them, until it is to be tried again. */
  makeFolders() {
    this.#making ??= this.#make().catch(problem => {
      this.#hasFailed = true;
      throw problem;
    });
    return this.#making;
  }

  tryAgain() {
    if (this.#hasFailed) {
      this.#hasFailed = false;
      this.#making = null;
    }
  }

  async #make() {
    for (; this.#made < this.folders.length; this.#made++) {
      const path = this.folders[this.#made];
      try {
        await this.#makeOne(directoryUrl([...this.directory, ...path]));
      } catch (problem) {
        this.signal.throwIfAborted();
        throw new Problem(problem.status, `The folder ${plainName(decodeName(path.at(-1)))} can’t be made. ${problem.message}`);
      }
    }
  }

  async #makeOne(url) {
    for (let failures = 0; ; failures++) {
      this.signal.throwIfAborted();
      try {
        await request('MKCOL', url, {signal: this.signal});
        return;
      } catch (problem) {
        this.signal.throwIfAborted();
        if (problem.status === 405) {
          return; // it is there already
        }
        if (!problem.isPassing || failures >= MAX_FAILURES) {
          throw problem;
        }
        await pause(Math.max(problem.retryAfter * 1000, Math.min(MOST_PAUSE, LEAST_PAUSE * 2 ** failures)), this.signal);
      }
    }
  }
}

/** One file on its way. */
export class Transfer {
  /** 'waiting', 'running', 'asking', 'paused', 'failed', 'done', 'skipped' or 'cancelled'. */
  state = 'waiting';
  sent = 0;
  problem = null;
  /** Why it is not going on though it is running. */
  waitsFor = null;
  #samples = [];

  constructor(batch, file, directory, name) {
    this.batch = batch;
    this.file = file;
    this.directory = directory;
    this.name = name;
    /** The same for the same file, if it is chosen again for the same place; perhaps for another file, too. */
    this.origin = JSON.stringify([...directory, name, file.size, file.lastModified]);
    this.isReplacing = false;
    this.abort = new AbortController();
    this.upload = null;
  }

  get displayName() {
    return decodeName(this.name);
  }

  get path() {
    return fileUrl(this.directory, this.name);
  }

  get isOpen() {
    return OPEN.has(this.state);
  }

  /** Bytes a second, over the last seconds. */
  get speed() {
    const first = this.#samples[0];
    const last = this.#samples.at(-1);
    return first && last.at > first.at ? (last.sent - first.sent) * 1000 / (last.at - first.at) : 0;
  }

  progressed(sent) {
    const at = performance.now();
    if (sent < this.sent) {
      this.#samples = [];
    }
    this.sent = sent;
    this.#samples.push({at, sent});
    while (this.#samples.length > 2 && this.#samples[0].at < at - SPEED_MILLISECONDS) {
      this.#samples.shift();
    }
  }

  rested() {
    this.#samples = [];
  }
}

/**
 * All uploads of this page, some at a time, in the order in which they were chosen. Events: 'change', and 'arrived' with the path of a
 * directory in which something new is.
 */
class Uploads extends EventTarget {
  transfers = [];
  /** Aborted when all is abandoned. */
  #user = new AbortController();

  /** Uploads what was chosen into a directory. What is on its way there already isn't sent twice; if it had stopped it goes on. */
  async add(directory, chosen) {
    const batch = new Batch(directory, chosen.folders, this.#user.signal);
    const known = new Map(this.open.map(transfer => [transfer.origin, transfer]));
    const chosenNow = chosen.files.map(({file, path}) => new Transfer(batch, file, [...directory, ...path.slice(0, -1)], path.at(-1)));
    this.transfers.push(...chosenNow.filter(transfer => !known.has(transfer.origin)));
    this.#changed();
    this.#next();
    await this.#goOn(chosenNow.filter(transfer => known.has(transfer.origin)), known, batch.signal);
    await batch.makeFolders();
    if (chosen.folders.length > 0) {
      this.#arrived(directory);
    }
  }

  /** With those that are on their way already, by what they have the same origin with; with the others as with new ones. */
  async #goOn(transfers, known, signal) {
    const again = [];
    for (const transfer of transfers) {
      const earlier = known.get(transfer.origin);
      const isSame = await isSameFile(transfer.file, earlier.file);
      signal.throwIfAborted(); // who is signed in now has not chosen it
      if (isSame && (earlier.isOpen || earlier.state === 'done')) { // else it was given up meanwhile
        again.push(earlier);
        this.resume(earlier);
      } else {
        this.transfers.push(transfer);
      }
    }
    if (again.length > 0) {
      notify(`${again.length === 1 ? `${plainName(again[0].displayName)} is` : `${formatCount(again.length, 'file')} are`} already being uploaded.`);
    }
    this.#changed();
    this.#next();
  }

  get open() {
    return this.transfers.filter(transfer => transfer.isOpen);
  }

  get running() {
    return this.transfers.filter(transfer => RUNNING.has(transfer.state));
  }

  pause(transfer) {
    if (transfer.state === 'running' || transfer.state === 'waiting') {
      this.#stop(transfer, 'paused');
    }
  }

  resume(transfer) {
    if (transfer.state === 'paused' || transfer.state === 'failed') {
      transfer.batch.tryAgain();
      transfer.state = 'waiting';
      transfer.problem = null;
      this.#changed();
      this.#next();
    }
  }

  cancel(transfer) {
    if (transfer.isOpen) {
      this.#stop(transfer, 'cancelled');
      transfer.upload?.end();
    }
  }

  /** Stops all and forgets them; the server keeps what it has for a while, so the same user may go on with the same files. */
  abandon() {
    this.#user.abort();
    this.#user = new AbortController();
    this.open.forEach(transfer => this.#stop(transfer, 'cancelled'));
    this.clear();
  }

  /** Forgets those that are over. */
  clear() {
    this.transfers = this.open;
    this.#changed();
  }

  #stop(transfer, state) {
    transfer.state = state;
    transfer.abort.abort(new DOMException('stopped by the user', 'AbortError'));
    transfer.rested();
    this.#changed();
    this.#next();
  }

  #next() {
    const busy = new Set(this.running.map(transfer => transfer.path));
    for (const transfer of this.transfers) {
      if (busy.size >= MAX_RUNNING) {
        return;
      }
      if (transfer.state === 'waiting' && !busy.has(transfer.path)) { // of two files for one name the second finds the first
        busy.add(transfer.path);
        this.#run(transfer);
      }
    }
  }

  async #run(transfer) {
    transfer.state = 'running';
    transfer.abort = new AbortController();
    const {signal} = transfer.abort;
    this.#changed();
    try {
      await transfer.batch.makeFolders();
      signal.throwIfAborted();
      await this.#send(transfer, signal);
      if (transfer.state === 'running') {
        transfer.state = 'done';
        this.#arrived(transfer.directory);
      }
    } catch (problem) {
      if (!signal.aborted) {
        transfer.state = 'failed';
        transfer.problem = problem instanceof Problem ? problem : new Problem(0, `The file can’t be read: ${problem.message}`);
      }
    }
    transfer.waitsFor = null;
    this.#trim();
    this.#changed();
    this.#next();
  }

  async #send(transfer, signal) {
    for (let number = 1; ; number++) {
      transfer.upload ??= new TusUpload(transfer.file, transfer.directory, transfer.name, {
        onOffset: sent => {
          transfer.progressed(sent);
          this.#changed();
        },
        onWaiting: why => {
          transfer.waitsFor = why;
          if (why !== null) {
            transfer.rested();
          }
          this.#changed();
        },
      });
      try {
        await transfer.upload.run(signal, transfer.isReplacing);
        return;
      } catch (problem) {
        if (!(problem instanceof TakenProblem) || number > MAX_OTHER_NAMES) {
          throw problem;
        }
      }
      const answer = await this.#answer(transfer, signal);
      transfer.upload = null;
      switch (answer) {
        case 'replace':
          transfer.isReplacing = true;
          break;
        case 'keep':
          transfer.name = otherName(transfer.file.name, number);
          break;
        default:
          transfer.state = 'skipped';
          return;
      }
    }
  }

  /** What to do where a name is taken; asked once for all that was chosen together. */
  async #answer(transfer, signal) {
    transfer.state = 'asking';
    this.#changed();
    transfer.batch.answer ??= choice('Already there', [
      h('p', {}, 'There is already something with the name ', nameNode(transfer.displayName), '.'),
      h('p', {class: 'hint'}, 'The answer is for everything that you have chosen together.'),
    ], [['skip', 'Skip'], ['replace', 'Replace'], ['keep', 'Keep both']]);
    const answer = await transfer.batch.answer;
    signal.throwIfAborted();
    transfer.state = 'running';
    return answer;
  }

  #trim() {
    const over = this.transfers.filter(transfer => !transfer.isOpen);
    if (over.length > MAX_FINISHED) {
      const gone = new Set(over.slice(0, over.length - MAX_FINISHED));
      this.transfers = this.transfers.filter(transfer => !gone.has(transfer));
    }
  }

  #arrived(directory) {
    this.dispatchEvent(new CustomEvent('arrived', {detail: directory}));
  }

  #changed() {
    this.dispatchEvent(new Event('change'));
  }
}

/** "a.tar.gz" becomes "a (1).tar.gz". */
function otherName(name, number) {
  const [, stem, ending] = /^(.+?)((?:\.[A-Za-z0-9]{1,8}){0,2})$/s.exec(name);
  return encodeName(`${stem} (${number})${ending}`);
}

export const uploads = new Uploads();
