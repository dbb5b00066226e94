import {request} from './api.js';
import {openDialog} from './dialogs.js';
import {h} from './dom.js';
import {notify} from './notices.js';
import {Problem} from './problem.js';
import {session} from './session.js';
import {passwordField} from './sign-in.js';

const LEAST_LENGTH = 8;

export function changePassword() {
  const [current, currentField] = passwordField('password-current', {autocomplete: 'current-password'});
  const [wanted, wantedField] = passwordField('password-new', {autocomplete: 'new-password', 'aria-describedby': 'password-hint'});
  const [again, againField] = passwordField('password-again', {autocomplete: 'new-password'});
  const error = h('p', {class: 'form-error', role: 'alert'});
  const submit = h('button', {class: 'button primary'}, 'Change password');
  const dialog = openDialog('Change password', shown => h('form', {onsubmit: async event => {
    event.preventDefault();
    submit.disabled = true;
    error.textContent = '';
    try {
      await change(current.value, wanted.value, again.value);
      shown.close();
      notify('The password is changed. Your other sessions have ended.');
    } catch (problem) {
      error.textContent = problem.message;
    } finally {
      submit.disabled = false;
    }
  }}, h('div', {class: 'dialog-body'},
    // So that password managers know whose it is.
    h('input', {type: 'text', autocomplete: 'username', value: session.user, hidden: true, readonly: true, 'aria-label': 'Name'}),
    h('label', {for: 'password-current'}, 'Current password'), currentField,
    h('label', {for: 'password-new'}, 'New password'), wantedField,
    h('p', {class: 'hint', id: 'password-hint'}, `At least ${LEAST_LENGTH} characters.`),
    h('label', {for: 'password-again'}, 'New password, once more'), againField, error),
  h('footer', {}, h('button', {type: 'button', class: 'button', onclick: () => shown.close()}, 'Cancel'), submit)));
  current.focus();
  return dialog;
}

async function change(current, wanted, again) {
  if (wanted !== again) {
    throw new Problem(422, 'The new password and its repetition differ.');
  }
  if ([...wanted].length < LEAST_LENGTH) {
    throw new Problem(422, `The new password has fewer than ${LEAST_LENGTH} characters.`);
  }
  await request('PUT', '/session/password', {
    headers: {'Content-Type': 'application/json'}, body: JSON.stringify({current, new: wanted}),
  });
  await session.look(); // the session is a new one
}
