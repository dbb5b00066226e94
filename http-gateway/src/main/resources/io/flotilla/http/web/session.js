import {Problem, problemOfResponse, unreachable} from './problem.js';

/**
 * Who is signed in. The cookie is the browser's; this page knows the token that has to come with what changes something. Tells of
 * changes by the event 'change'.
 */
class Session extends EventTarget {
  /** 'unknown' until the server has been asked, then 'in' or 'out'. */
  state = 'unknown';
  user = null;
  csrfToken = '';
  expiresAt = null;
  idleTimeoutSeconds = 0;
  /** Why nobody is signed in any more, in words; empty at first. */
  reason = '';

  /** Asks the server who is signed in. */
  async look() {
    const response = await this.#ask('GET');
    if (response.ok) {
      this.#enter(await response.json());
    } else if (response.status === 401) {
      this.#leave('');
    } else {
      throw await problemOfResponse(response);
    }
  }

  async signIn(user, password) {
    const response = await this.#ask('POST', JSON.stringify({user, password}));
    if (!response.ok) {
      throw response.status === 401
        ? new Problem(401, 'The name or the password is wrong, or this account may not sign in here.') : await problemOfResponse(response);
    }
    this.#enter(await response.json());
  }

  async signOut() {
    const response = await this.#ask('DELETE');
    if (!response.ok && response.status !== 401) {
      throw await problemOfResponse(response);
    }
    this.user = null;
    this.#leave('You have signed out.');
  }

  /** A request was answered with 401. */
  ended() {
    if (this.state === 'in') {
      this.#leave('Your session has ended. Sign in to go on where you were.');
    }
  }

  /** Waits until the same user is signed in again. */
  async whenIn(signal) {
    const user = this.user;
    while (this.state !== 'in') {
      await new Promise((resolve, reject) => {
        const done = () => {
          this.removeEventListener('change', done);
          signal?.removeEventListener('abort', done);
          if (signal?.aborted) {
            reject(signal.reason);
          } else {
            resolve();
          }
        };
        this.addEventListener('change', done);
        signal?.addEventListener('abort', done);
      });
    }
    if (this.user !== user) {
      throw new Problem(401, 'Somebody else has signed in meanwhile.');
    }
  }

  async #ask(method, body) {
    const headers = {};
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
    }
    if (method !== 'GET') {
      headers['X-CSRF-Token'] = this.csrfToken;
    }
    try {
      return await fetch('/session', {method, headers, body, cache: 'no-store'});
    } catch {
      throw unreachable();
    }
  }

  #enter(told) {
    this.user = told.user;
    this.csrfToken = told.csrfToken ?? '';
    this.expiresAt = told.expiresAt ? new Date(told.expiresAt) : null;
    this.idleTimeoutSeconds = told.idleTimeoutSeconds ?? 0;
    this.reason = '';
    this.state = 'in';
    this.dispatchEvent(new Event('change'));
  }

  #leave(reason) {
    this.csrfToken = '';
    this.reason = reason;
    this.state = 'out';
    this.dispatchEvent(new Event('change'));
  }
}

export const session = new Session();
