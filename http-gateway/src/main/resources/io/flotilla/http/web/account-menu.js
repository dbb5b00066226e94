import {confirmed} from './dialogs.js';
import {fill, h, refill} from './dom.js';
import {formatCount, formatDuration, formatTime} from './format.js';
import {icon} from './icons.js';
import {plainName} from './names.js';
import {fail} from './notices.js';
import {changePassword} from './password-dialog.js';
import {session} from './session.js';
import {isRemembering} from './upload-memory.js';
import {uploads} from './uploads.js';

/** Who is signed in, until when, and what can be done about that. */
export class AccountMenu extends HTMLElement {
  #gone = new AbortController();

  connectedCallback() {
    this.#button = h('button', {
      type: 'button', class: 'button quiet', popovertarget: 'account', 'aria-haspopup': 'true',
    });
    this.#menu = h('div', {id: 'account', class: 'menu', popover: 'auto', onbeforetoggle: event => event.newState === 'open' && this.#draw()});
    fill(this, this.#button, this.#menu);
    session.addEventListener('change', () => this.#draw(), {signal: this.#gone.signal});
    this.#draw();
  }

  disconnectedCallback() {
    this.#gone.abort();
  }

  #button;
  #menu;

  #draw() {
    if (session.user === null) {
      return;
    }
    const user = plainName(session.user);
    fill(this.#button, icon('user'), h('span', {class: 'account-name'}, user));
    this.#button.setAttribute('aria-label', `Account of ${user}`);
    refill(this.#menu, h('p', {class: 'menu-title'}, user),
      h('p', {class: 'hint'}, session.expiresAt ? `Signed in until ${formatTime(session.expiresAt)}, or until ${
        formatDuration(session.idleTimeoutSeconds)} have passed without use.` : ''),
      this.#item('key', 'Change password', () => changePassword()),
      this.#item('signOut', 'Sign out', () => this.#signOut()));
  }

  async #signOut() {
    const left = uploads.open.length;
    if (left > 0 && !await confirmed('Sign out?', [
      h('p', {}, `${formatCount(left, 'upload')} ${left === 1 ? 'is' : 'are'} not complete.`),
      h('p', {class: 'hint'}, isRemembering ? 'To go on with them later, choose the same files again for the same folder.'
        : 'They will have to begin anew: only by HTTPS can a page remember them.'),
    ], 'Sign out')) {
      return;
    }
    await session.signOut().catch(problem => fail(problem, 'You are still signed in'));
  }

  #item(picture, words, run) {
    return h('button', {type: 'button', class: 'menu-item', onclick: () => {
      this.#menu.hidePopover();
      run();
    }}, icon(picture), words);
  }
}

customElements.define('account-menu', AccountMenu);
