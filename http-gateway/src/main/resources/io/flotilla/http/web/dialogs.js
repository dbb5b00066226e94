import {h, newId} from './dom.js';
import {icon} from './icons.js';

/**
 * A modal dialog. The browser keeps the focus in it, closes it by Escape, and gives the focus back.
 *
 * @param content elements, or a function of the dialog that makes them
 * @returns the dialog; its event 'close' comes once
 */
export function openDialog(title, content, {className = '', label = null} = {}) {
  const id = newId('dialog');
  const dialog = h('dialog', {class: `dialog ${className}`, 'aria-labelledby': id},
    h('header', {}, h('h2', {id}, label ?? title),
      h('button', {type: 'button', class: 'icon-button', 'aria-label': 'Close', onclick: () => dialog.close()}, icon('close'))));
  dialog.append(...[typeof content === 'function' ? content(dialog) : content].flat());
  dialog.addEventListener('close', () => dialog.remove());
  dialog.addEventListener('pointerdown', event => {
    if (event.target === dialog) {
      dialog.close(); // beside it
    }
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}

/** Asks to confirm something; false if the dialog was closed otherwise. */
export function confirmed(title, content, verb, {isDangerous = false} = {}) {
  return new Promise(resolve => {
    let answer = false;
    const dialog = openDialog(title, shown => [
      h('div', {class: 'dialog-body'}, content),
      h('footer', {},
        h('button', {type: 'button', class: 'button', autofocus: isDangerous, onclick: () => shown.close()}, 'Cancel'),
        h('button', {type: 'button', class: `button ${isDangerous ? 'danger' : 'primary'}`, autofocus: !isDangerous, onclick: () => {
          answer = true;
          shown.close();
        }}, verb)),
    ]);
    dialog.addEventListener('close', () => resolve(answer));
  });
}

/**
 * Lets somebody choose.
 *
 * @param choices pairs of what is returned and what the button says, the first the least harmful
 * @returns nothing if none was chosen
 */
export function choice(title, content, choices) {
  return new Promise(resolve => {
    let answer = null;
    const dialog = openDialog(title, shown => [
      h('div', {class: 'dialog-body'}, content),
      h('footer', {}, choices.map(([value, label], i) => h('button', {
        type: 'button', class: `button ${i === choices.length - 1 ? 'primary' : ''}`, onclick: () => {
          answer = value;
          shown.close();
        }}, label))),
    ]);
    dialog.addEventListener('close', () => resolve(answer));
  });
}

/**
 * Asks for text, until it is accepted or the dialog is closed.
 *
 * @param accept is given the text; what it throws is shown
 * @param selected how many characters of the value are selected, all if it is not said
 */
export function askText(title, {label, value = '', selected = value.length, verb, accept}) {
  return new Promise(resolve => {
    const id = newId('text');
    const input = h('input', {id, type: 'text', required: true, autocomplete: 'off', spellcheck: 'false', dir: 'auto', value});
    const error = h('p', {class: 'form-error', role: 'alert', id: `${id}-error`});
    const submit = h('button', {class: 'button primary'}, verb);
    input.setAttribute('aria-describedby', error.id);
    const dialog = openDialog(title, shown => h('form', {method: 'dialog', onsubmit: async event => {
      event.preventDefault();
      submit.disabled = true;
      error.textContent = '';
      try {
        await accept(input.value);
        shown.close();
      } catch (problem) {
        error.textContent = problem.message;
        input.focus();
      } finally {
        submit.disabled = false;
      }
    }}, h('div', {class: 'dialog-body'}, h('label', {for: id}, label), input, error),
    h('footer', {}, h('button', {type: 'button', class: 'button', onclick: () => shown.close()}, 'Cancel'), submit)));
    input.focus();
    input.setSelectionRange(0, selected);
    dialog.addEventListener('close', resolve);
  });
}
