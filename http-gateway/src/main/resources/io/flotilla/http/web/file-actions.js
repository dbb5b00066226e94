import {request} from './api.js';
import {askText, confirmed} from './dialogs.js';
import {h} from './dom.js';
import {chooseFolder, isWithin} from './folder-chooser.js';
import {formatCount} from './format.js';
import {nameNode, plainName} from './names.js';
import {fail, notify} from './notices.js';
import {directoryUrl, encodeName, fileUrl, isSamePath} from './paths.js';
import {Problem} from './problem.js';
import {session} from './session.js';

const MAX_NAMED = 5;
const MAX_FAILURES_TOLD = 3;
const MAX_URL_LENGTH = 8000;

function things(entries) {
  return entries.length === 1 ? plainName(entries[0].name) : formatCount(entries.length, 'item');
}

function checkedName(text) {
  if (['', '.', '..'].includes(text.trim()) || text.includes('/') || text.includes('\0')) {
    throw new Problem(400, 'A name can’t be empty, “.” or “..”, and has no “/” in it.');
  }
  return encodeName(text);
}

/** Does something for each as the user who wanted it, and tells how that went. What fails for one goes on for the others. */
async function each(user, entries, words, act) {
  const failures = [];
  for (const entry of entries) {
    try {
      session.need(user);
      await act(entry);
    } catch (problem) {
      failures.push([entry, problem]);
    }
  }
  failures.slice(0, MAX_FAILURES_TOLD).forEach(([entry, problem]) => fail(problem, plainName(entry.name)));
  if (failures.length > MAX_FAILURES_TOLD) {
    fail(new Problem(0, `${formatCount(failures.length - MAX_FAILURES_TOLD, 'more item')} failed, too.`));
  }
  if (failures.length < entries.length) {
    notify(`${words} ${failures.length === 0 ? things(entries) : formatCount(entries.length - failures.length, 'item')}.`);
  }
}

/** A browser downloads what it navigates to when it is an attachment; so errors are looked for before. */
export async function download(directory, entries) {
  try {
    if (entries.length === 1 && entries[0].type !== 'directory') {
      const url = fileUrl(directory, entries[0].encodedName);
      await request('HEAD', url);
      follow(url);
    } else {
      await request('HEAD', directoryUrl(directory));
      const names = entries.map(entry => `name=${entry.encodedName}`).join('&');
      const url = `${directoryUrl(directory)}?zip&${names}`;
      if (url.length < MAX_URL_LENGTH) {
        follow(url);
      } else {
        submit(`${directoryUrl(directory)}?zip`, entries);
      }
    }
  } catch (problem) {
    fail(problem, 'The download can’t begin');
  }
}

function follow(url) {
  const link = h('a', {href: url, download: ''});
  document.body.append(link);
  link.click();
  link.remove();
}

function submit(url, entries) {
  const form = h('form', {method: 'post', action: url, target: '_blank', rel: 'noopener', hidden: true},
    entries.map(entry => h('input', {type: 'hidden', name: 'encodedName', value: entry.encodedName})));
  document.body.append(form);
  form.submit();
  form.remove();
}

export async function createFolder(directory) {
  const user = session.user;
  let made = null;
  await askText('New folder', {label: 'Name', verb: 'Create', accept: async text => {
    const name = checkedName(text);
    session.need(user);
    try {
      await request('MKCOL', directoryUrl([...directory, name]));
    } catch (problem) {
      throw problem.status === 405 ? new Problem(405, 'There is already something with that name.') : problem;
    }
    made = name;
    notify(`Created ${plainName(text)}.`);
  }});
  return made;
}

async function move(from, to) {
  try {
    await request('MOVE', from, {headers: {Destination: to, Overwrite: 'F'}});
  } catch (problem) {
    throw problem.status === 412 ? new Problem(412, 'There is already something with that name.') : problem;
  }
}

export async function rename(directory, entry) {
  const user = session.user;
  let renamed = null;
  const stem = entry.type === 'directory' ? entry.name.length : entry.name.replace(/(?<=.)\.[^.]*$/s, '').length;
  await askText('Rename', {label: 'New name', value: entry.name, selected: stem, verb: 'Rename', accept: async text => {
    const name = text === entry.name ? entry.encodedName : checkedName(text); // a name need not be text
    if (name !== entry.encodedName) {
      session.need(user);
      await move(fileUrl(directory, entry.encodedName), fileUrl(directory, name));
      notify(`Renamed to ${plainName(text)}.`);
    }
    renamed = name;
  }});
  return renamed;
}

/** @returns whether anything was tried */
export async function moveElsewhere(directory, entries) {
  const user = session.user;
  const folders = entries.filter(entry => entry.type === 'directory').map(entry => [...directory, entry.encodedName]);
  const target = await chooseFolder(`Move ${things(entries)}`, directory, 'Move here',
    path => isSamePath(path, directory) || folders.some(folder => isWithin(path, folder)));
  if (target !== null) {
    await each(user, entries, 'Moved', entry => move(fileUrl(directory, entry.encodedName), fileUrl(target, entry.encodedName)));
  }
  return target !== null;
}

/** @returns whether anything was tried */
export async function remove(directory, entries) {
  const user = session.user;
  const hasFolders = entries.some(entry => entry.type === 'directory');
  const isSure = await confirmed(entries.length === 1 ? 'Delete this item?' : `Delete ${entries.length.toLocaleString()} items?`, [
    h('ul', {class: 'named'}, entries.slice(0, MAX_NAMED).map(entry => h('li', {}, nameNode(entry.name))),
      entries.length > MAX_NAMED ? h('li', {}, `and ${(entries.length - MAX_NAMED).toLocaleString()} more`) : null),
    h('p', {class: 'hint'}, hasFolders ? 'Folders are deleted with everything in them. This can’t be undone.' : 'This can’t be undone.'),
  ], 'Delete', {isDangerous: true});
  if (isSure) {
    // What was a file and is a folder now was not what the user saw.
    await each(user, entries, 'Deleted', entry => request('DELETE',
      `${fileUrl(directory, entry.encodedName)}?recursive=${entry.type === 'directory'}`));
  }
  return isSure;
}
