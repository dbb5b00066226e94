import {h} from './dom.js';
import {icon, mark} from './icons.js';
import {session} from './session.js';

/** A field for a password, with a button that shows what was typed. */
export function passwordField(id, attributes) {
  const input = h('input', {id, type: 'password', required: true, ...attributes});
  const button = h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Show password', 'aria-pressed': 'false', onclick: () => {
    const isShown = input.type === 'password';
    input.type = isShown ? 'text' : 'password';
    button.setAttribute('aria-pressed', String(isShown));
    button.replaceChildren(icon(isShown ? 'eyeOff' : 'eye'));
    input.focus();
  }}, icon('eye'));
  return [input, h('div', {class: 'password-field'}, input, button)];
}

/**
 * Asks who somebody is, above everything else that there is, dialogs too, so that nobody loses the place when a session has ended.
 */
export class SignIn extends HTMLElement {
  connectedCallback() {
    this.#user = h('input', {
      id: 'sign-in-user', type: 'text', required: true, autocomplete: 'username', autocapitalize: 'none', spellcheck: 'false',
    });
    const [password, field] = passwordField('sign-in-password', {autocomplete: 'current-password'});
    this.#password = password;
    this.#error = h('p', {class: 'form-error', role: 'alert'});
    this.#reason = h('p', {class: 'sign-in-reason', role: 'status'});
    this.#submit = h('button', {class: 'button primary wide'}, 'Sign in');
    // Nothing is behind it that could be closed to.
    this.#dialog = h('dialog', {
      class: 'sign-in', 'aria-labelledby': 'sign-in-title', oncancel: event => event.preventDefault(),
      onclose: () => session.state === 'out' && this.#dialog.showModal(),
    }, h('form', {onsubmit: event => this.#signIn(event)},
      h('div', {class: 'brand'}, mark(), 'Flotilla'),
      h('h1', {id: 'sign-in-title'}, 'Sign in'), this.#reason,
      h('label', {for: 'sign-in-user'}, 'Name'), this.#user,
      h('label', {for: 'sign-in-password'}, 'Password'), field,
      this.#error, this.#submit));
    this.append(this.#dialog);
    session.addEventListener('change', () => this.#update());
    this.#update();
  }

  #dialog;
  #user;
  #password;
  #error;
  #reason;
  #submit;

  #update() {
    if (session.state !== 'out') {
      this.#dialog.close();
      return;
    }
    this.#dialog.classList.toggle('over-page', session.user !== null);
    this.#reason.textContent = session.reason;
    this.#reason.hidden = session.reason === '';
    this.#error.textContent = '';
    this.#password.value = '';
    if (session.user !== null) {
      this.#user.value = session.user;
    }
    if (!this.#dialog.open) {
      this.#dialog.showModal();
    }
    (this.#user.value === '' ? this.#user : this.#password).focus();
  }

  async #signIn(event) {
    event.preventDefault();
    this.#submit.disabled = true;
    this.#error.textContent = '';
    try {
      await session.signIn(this.#user.value, this.#password.value);
      this.#password.value = '';
    } catch (problem) {
      this.#error.textContent = problem.message;
      this.#password.select();
      this.#password.focus();
    } finally {
      this.#submit.disabled = false;
    }
  }
}

customElements.define('sign-in', SignIn);
