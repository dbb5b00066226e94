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
    const user = this.user;
    let response = await this.#ask('DELETE');
    if (response.status === 403) { // signed in anew in another window, perhaps as somebody else
      await this.look();
      this.need(user);
      response = await this.#ask('DELETE');
    }
    if (!response.ok && response.status !== 401) {
      throw await problemOfResponse(response);
    }
    this.user = null;
    this.#leave('You have signed out.');
  }

  /** A request with a token was answered with 401; it may have been on its way since before the present session. */
  ended(token) {
    if (this.state === 'in' && token === this.csrfToken) {
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
    this.need(user);
  }

  /** Fails if somebody else has signed in: what one began another must not go on with. */
  need(user) {
    if (this.user !== user) {
      throw new Problem(403, 'Somebody else has signed in meanwhile.');
    }
  }

  async #ask(method, body) {
    // Always, because it also says that a page asks, for which no browser has to ask for a password.
    const headers = {'X-CSRF-Token': this.csrfToken};
    if (body !== undefined) {
      headers['Content-Type'] = 'application/json';
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
