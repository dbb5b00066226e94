import {request, sendPart} from './api.js';
import {pause} from './dom.js';
import {fileUrl, metadataPath} from './paths.js';
import {Problem} from './problem.js';
import {session} from './session.js';
import {forgetUpload, rememberUpload, rememberedUpload, uploadKey} from './upload-memory.js';

const PART_BYTES = 16 * 1024 * 1024;
const TUS = {'Tus-Resumable': '1.0.0'};
/** Failures in a row, without a byte that came through, after which the user is asked to look. */
const MAX_FAILURES = 30;
const LEAST_PAUSE = 500;
const MOST_PAUSE = 30_000;

/** The name is taken, and was not to be replaced. */
export class TakenProblem extends Problem {}

/**
 * One file on its way by the tus protocol (https://tus.io/protocols/resumable-upload). Whatever fails for the moment is tried again,
 * from where the server is; any node goes on with it.
 */
export class TusUpload {
  #file;
  #directory;
  #name;
  /** Under which it is remembered; undefined until that was looked for. */
  #key;
  #url = null;
  /** Whether what is on the server was begun to take another file's place. */
  #isReplacing = false;
  #user = session.user;

  /**
   * @param directory names of the path
   * @param name as a URL has it
   * @param onOffset told how many bytes the server has, or is being sent
   * @param onWaiting told why nothing goes on at the moment; with null when it does
   */
  constructor(file, directory, name, {onOffset, onWaiting}) {
    this.#file = file;
    this.#directory = directory;
    this.#name = name;
    this.onOffset = onOffset;
    this.onWaiting = onWaiting;
  }

  /** Goes on until the file is there under its name; fails with a Problem, a TakenProblem, or the signal's reason. */
  async run(signal, isReplacing) {
    if (this.#key === undefined) {
      await this.#recall();
      signal.throwIfAborted();
    }
    if (this.#url !== null && this.#isReplacing !== isReplacing) {
      await this.end(); // what was allowed then was not asked now
    }
    let failures = 0;
    let reached = 0;
    for (;;) {
      try {
        await this.#goOn(signal, isReplacing, offset => {
          this.onWaiting(null);
          if (offset > reached) {
            reached = offset;
            failures = 0;
          }
          this.onOffset(offset);
        });
        forgetUpload(this.#key);
        return;
      } catch (problem) {
        signal.throwIfAborted();
        if (problem.status === 401) {
          this.onWaiting('Waiting for you to sign in');
          await session.whenIn(signal);
        } else if (!problem.isPassing || failures >= MAX_FAILURES) {
          throw problem;
        } else {
          failures++;
          this.onWaiting(problem.status === 0 ? 'Waiting for the connection' : 'Waiting for the server');
          await pause(Math.max(problem.retryAfter * 1000, Math.min(MOST_PAUSE, LEAST_PAUSE * 2 ** Math.min(failures, 10) * (0.5 + Math.random() / 2))), signal);
        }
      }
    }
  }

  /** An upload that was begun before the page was opened. */
  async #recall() {
    const key = await uploadKey(this.#user, this.#path, this.#file);
    const {id, isReplacing} = rememberedUpload(key);
    this.#key = key;
    if (id !== null) {
      this.#url = `/uploads/${id}${this.#path.slice('/files'.length)}`;
      this.#isReplacing = isReplacing;
    }
  }

  async #goOn(signal, isReplacing, onOffset) {
    let offset = this.#url === null ? await this.#create(signal, isReplacing) : await this.#offset(signal, isReplacing);
    if (offset === null) {
      // Of a file that is replaced nothing tells whether it is the old one or the new one.
      if (!isReplacing && await this.#isComplete(signal)) {
        onOffset(this.#file.size);
        return;
      }
      this.#forget();
      offset = await this.#create(signal, isReplacing);
    }
    onOffset(offset);
    while (offset < this.#file.size) {
      const start = offset;
      const part = this.#file.slice(start, Math.min(start + PART_BYTES, this.#file.size));
      this.#mayBeComplete = start + part.size === this.#file.size;
      let header;
      try {
        header = await sendPart(this.#url, {...TUS, 'Content-Type': 'application/offset+octet-stream', 'Upload-Offset': start}, part,
          {signal, onSent: sent => onOffset(start + sent)});
      } catch (problem) {
        if (problem.status === 0) {
          await this.#needReadable(part);
        }
        await this.#refuseTaken(problem, signal, isReplacing);
        // To be looked at anew: it is gone, or somewhere else than was thought.
        throw problem.status === 404 || problem.status === 410 || problem.offset !== null ? new Problem(408, problem.message) : problem;
      }
      offset = Number(header('Upload-Offset'));
      if (!(offset > start && offset <= this.#file.size)) {
        throw new Problem(500, 'The server and this page don’t agree on how much has come.');
      }
      onOffset(offset);
    }
  }

  /** A file that was changed or removed meanwhile fails as a connection does. */
  async #needReadable(part) {
    try {
      await part.slice(0, 1).arrayBuffer();
    } catch {
      throw new Problem(400, 'The file can’t be read any more: it was changed, moved or removed.');
    }
  }

  /** Whether all there is has been sent, and the answer may have been lost. */
  #mayBeComplete = false;

  async #create(signal, isReplacing) {
    const metadata = [`path ${metadataPath(this.#directory, this.#name)}`];
    if (!isReplacing) {
      metadata.push(`overwrite ${btoa('false')}`);
    }
    let response;
    try {
      response = await request('POST', '/uploads', {signal, headers: {
        ...TUS, 'Upload-Length': String(this.#file.size), 'Upload-Metadata': metadata.join(','),
      }});
    } catch (problem) {
      if (problem.status === 409 && !isReplacing) {
        const size = await this.#size(signal);
        if (size === 0 && this.#file.size === 0 && this.#mayBeComplete) {
          return 0; // nothing was to be sent of it, so it was complete by the request whose answer was lost
        }
        throw size === null ? problem : new TakenProblem(409, problem.message);
      }
      this.#mayBeComplete ||= this.#file.size === 0 && problem.isPassing === true;
      throw problem;
    }
    if (this.#file.size > 0) {
      this.#url = new URL(response.headers.get('Location'), location.href).pathname;
      this.#isReplacing = isReplacing;
      rememberUpload(this.#key, {id: this.#url.split('/')[2], isReplacing});
    }
    return 0;
  }

  /** How much the server has; null if it knows of no such upload. */
  async #offset(signal, isReplacing) {
    try {
      const response = await request('HEAD', this.#url, {signal, headers: TUS});
      return Number(response.headers.get('Upload-Offset'));
    } catch (problem) {
      if (problem.status === 404 || problem.status === 410) {
        this.#mayBeComplete &&= problem.status === 404;
        return null;
      }
      await this.#refuseTaken(problem, signal, isReplacing);
      throw problem;
    }
  }

  /** The name may have been taken while the file came; then the server keeps it under no name. */
  async #refuseTaken(problem, signal, isReplacing) {
    if (problem.status === 409 && problem.offset === null && !isReplacing && await this.#exists(signal)) {
      await this.end();
      throw new TakenProblem(409, problem.message);
    }
  }

  async #exists(signal) {
    return await this.#size(signal) !== null;
  }

  /** Whether the file became complete by what was sent last, though no answer came. */
  async #isComplete(signal) {
    return this.#mayBeComplete && await this.#size(signal) === this.#file.size;
  }

  /** Of what has the name: null if nothing has, -1 of a folder. */
  async #size(signal) {
    try {
      const response = await request('HEAD', fileUrl(this.#directory, this.#name), {signal});
      return response.headers.has('Accept-Ranges') ? Number(response.headers.get('Content-Length')) : -1;
    } catch (problem) {
      if (problem.status === 404) {
        return null;
      }
      throw problem;
    }
  }

  /** Has the server forget what it has of the file; what it can't be told it forgets in time. */
  async end() {
    if (this.#url !== null) {
      const url = this.#url;
      this.#forget();
      await request('DELETE', url, {headers: TUS}).catch(() => {});
    }
  }

  #forget() {
    this.#url = null;
    forgetUpload(this.#key);
  }

  get #path() {
    return fileUrl(this.#directory, this.#name);
  }
}
