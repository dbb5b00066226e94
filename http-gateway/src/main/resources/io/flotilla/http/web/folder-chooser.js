import {listDirectory} from './api.js';
import {openDialog} from './dialogs.js';
import {fill, h} from './dom.js';
import {icon} from './icons.js';
import {nameNode, plainName} from './names.js';
import {decodeName, isSamePath} from './paths.js';

/**
 * Lets somebody choose a folder.
 *
 * @param start names of the path of the folder to begin in
 * @param isRefused whether a folder can't be chosen
 * @returns the names of its path, or nothing
 */
export function chooseFolder(title, start, verb, isRefused) {
  return new Promise(resolve => {
    let answer = null;
    let path = start;
    let abort = new AbortController();
    const crumbs = h('div', {class: 'chooser-path'});
    const list = h('ul', {class: 'chooser-list'});
    const submit = h('button', {type: 'button', class: 'button primary', onclick: () => {
      answer = path;
      dialog.close();
    }}, verb);

    async function show(to) {
      path = to;
      abort.abort();
      abort = new AbortController();
      const {signal} = abort;
      submit.disabled = isRefused(path);
      fill(crumbs, path.length > 0
        ? h('button', {type: 'button', class: 'icon-button', 'aria-label': 'To the folder above', onclick: () => show(path.slice(0, -1))}, icon('arrowLeft')) : null,
      path.length === 0 ? 'Home' : nameNode(decodeName(path.at(-1))));
      fill(list, h('li', {class: 'chooser-words'}, 'Loading…'));
      let after = null;
      fill(list);
      try {
        do {
          const page = await listDirectory(path, {sort: 'name', order: 'asc', after}, signal);
          list.append(...page.entries.filter(entry => entry.type === 'directory').map(entry => h('li', {},
            h('button', {type: 'button', class: 'chooser-folder', onclick: () => show([...path, entry.encodedName]), title: plainName(entry.name)},
              icon('folder'), nameNode(entry.name), icon('chevronRight')))));
          after = page.next;
        } while (after !== null);
        if (list.childElementCount === 0) {
          fill(list, h('li', {class: 'chooser-words'}, 'There are no folders in it.'));
        }
      } catch (problem) {
        if (!signal.aborted) {
          fill(list, h('li', {class: 'chooser-words'}, problem.message));
        }
      }
    }

    const dialog = openDialog(title, shown => [
      h('div', {class: 'dialog-body'}, crumbs, list),
      h('footer', {}, h('button', {type: 'button', class: 'button', onclick: () => shown.close()}, 'Cancel'), submit),
    ], {className: 'chooser'});
    dialog.addEventListener('close', () => {
      abort.abort();
      resolve(answer);
    });
    show(start);
  });
}

/** Whether a path is another one, or beneath it. */
export function isWithin(path, outer) {
  return path.length >= outer.length && isSamePath(path.slice(0, outer.length), outer);
}
