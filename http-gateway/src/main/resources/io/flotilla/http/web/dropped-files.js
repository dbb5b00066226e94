import {encodeName} from './paths.js';
import {Problem} from './problem.js';

const MAX_FILES = 50_000;

/**
 * What somebody has chosen or dropped.
 *
 * @typedef {{files: {file: File, path: string[]}[], folders: string[][]}} Chosen paths are beneath where it was dropped, encoded; of
 *     folders the outer come first
 */

function check(chosen) {
  if (chosen.files.length + chosen.folders.length > MAX_FILES) {
    throw new Problem(413, `That is more than ${MAX_FILES.toLocaleString()} files at once. Choose fewer, or use an SFTP or FTP client.`);
  }
  return chosen;
}

/** Of an input for files or for a folder. */
export function chosenFiles(list) {
  const folders = new Map();
  const files = [...list].map(file => {
    const path = (file.webkitRelativePath || file.name).split('/').map(encodeName);
    for (let depth = 1; depth < path.length; depth++) {
      folders.set(path.slice(0, depth).join('/'), path.slice(0, depth));
    }
    return {file, path};
  });
  return check({files, folders: [...folders.values()].sort((one, other) => one.length - other.length)});
}

/** Of a drop. The entries have to be taken before anything is waited for. */
export function droppedFiles(transfer) {
  const entries = [...transfer.items].filter(item => item.kind === 'file').map(item => item.webkitGetAsEntry() ?? item.getAsFile());
  return walk(entries);
}

async function walk(entries) {
  const chosen = {files: [], folders: []};
  const open = entries.map(entry => ({entry, parent: []}));
  while (open.length > 0) {
    const {entry, parent} = open.shift();
    const path = [...parent, encodeName(entry.name)];
    if (entry instanceof File) {
      chosen.files.push({file: entry, path});
    } else if (entry.isFile) {
      chosen.files.push({file: await new Promise((resolve, reject) => entry.file(resolve, reject)), path});
    } else {
      chosen.folders.push(path);
      const reader = entry.createReader();
      for (let some = await read(reader); some.length > 0; some = await read(reader)) {
        open.push(...some.map(inner => ({entry: inner, parent: path})));
        check({files: open, folders: []});
      }
    }
    check(chosen);
  }
  return chosen;
}

function read(reader) {
  return new Promise((resolve, reject) => reader.readEntries(resolve, reject));
}
