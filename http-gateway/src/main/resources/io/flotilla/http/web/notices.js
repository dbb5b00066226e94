import {h} from './dom.js';
import {icon} from './icons.js';

const MAX_SHOWN = 5;
const SHOWN_MILLISECONDS = 6000;

const region = h('div', {class: 'notices'});
const polite = h('div', {role: 'status', class: 'notices-list'});
const urgent = h('div', {role: 'alert', class: 'notices-list'});
const spoken = h('div', {role: 'status', class: 'visually-hidden'});
region.append(urgent, polite);

/** Where notices appear; to be put into the page once. */
export function noticeRegion() {
  return [region, spoken];
}

function show(list, picture, kind, text) {
  const notice = h('div', {class: `notice notice-${kind}`}, icon(picture), h('p', {}, text),
    h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Dismiss', onclick: () => notice.remove()}, icon('close')));
  list.append(notice);
  while (list.childElementCount > MAX_SHOWN) {
    list.firstElementChild.remove();
  }
  // Above a dialog that is open.
  if (region.showPopover && region.isConnected) {
    region.setAttribute('popover', 'manual');
    region.hidePopover();
    region.showPopover();
  }
  return notice;
}

/** Something has been done. */
export function notify(text) {
  const notice = show(polite, 'check', 'done', text);
  setTimeout(() => notice.remove(), SHOWN_MILLISECONDS);
}

/** Something has failed; stays until it is dismissed. What was only given up is no failure. */
export function fail(problem, what = '') {
  if (problem?.name !== 'AbortError') {
    show(urgent, 'warning', 'failed', `${what ? `${what}: ` : ''}${problem.message}`);
  }
}

/** Only for those who listen. */
export function announce(text) {
  spoken.textContent = text;
}
