import './account-menu.js';
import './file-browser.js';
import './sign-in.js';
import './transfer-list.js';
import {fill, h} from './dom.js';
import {icon, mark} from './icons.js';
import {noticeRegion} from './notices.js';
import {session} from './session.js';
import {applyTheme, switchTheme, theme} from './theme.js';
import {uploads} from './uploads.js';

const THEMES = {auto: ['contrast', 'as the system'], light: ['sun', 'light'], dark: ['moon', 'dark']};

applyTheme();

/** The whole page: the sign-in, and for whoever has signed in the files. */
export class FlotillaApp extends HTMLElement {
  #user = null;

  async connectedCallback() {
    this.#page = h('div', {class: 'page'});
    fill(this, this.#page, document.createElement('sign-in'), noticeRegion());
    session.addEventListener('change', () => this.#update());
    try {
      await session.look();
    } catch (problem) {
      fill(this.#page, h('main', {class: 'message'}, icon('warning'), h('p', {}, problem.message),
        h('button', {type: 'button', class: 'button primary', onclick: () => location.reload()}, icon('refresh'), 'Try again')));
    }
  }

  #page;

  /** When a session has ended everything stays, since the same user will most likely come back. */
  #update() {
    if (session.user !== this.#user) {
      uploads.abandon();
      this.#user = session.user;
      fill(this.#page);
      document.querySelectorAll('dialog.dialog').forEach(dialog => dialog.close());
      if (this.#user !== null) {
        fill(this.#page, this.#header(), document.createElement('file-browser'), document.createElement('transfer-list'));
      }
    }
  }

  #header() {
    return h('header', {class: 'top'}, h('a', {class: 'brand', href: '#/'}, mark(), 'Flotilla'),
      h('span', {class: 'space'}), this.#themeButton(), document.createElement('account-menu'));
  }

  #themeButton() {
    const button = h('button', {type: 'button', class: 'icon-button', onclick: () => draw(switchTheme())});
    const draw = now => {
      const [picture, words] = THEMES[now];
      button.replaceChildren(icon(picture));
      button.title = `Colours: ${words}`;
      button.setAttribute('aria-label', `Colours: ${words}`);
    };
    draw(theme());
    return button;
  }
}

customElements.define('flotilla-app', FlotillaApp);
