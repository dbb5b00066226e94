/**
 * Where unfinished uploads are on the server, so that one goes on after the page was closed, when the same file is chosen again for the
 * same place. The browser keeps it after signing out too, for whoever uses it next to see: so it is kept under a hash, without the name
 * of anybody or of any file.
 */
const PREFIX = 'flotilla-upload:';
const MAX_KEPT = 200;
/** Of the beginning and of the end of a file: time and size alone don't tell files apart that were unpacked, or written by machines. */
const SAMPLE_BYTES = 64 * 1024;

/** Only for pages by HTTPS, or from this machine, do browsers make hashes. */
export const isRemembering = crypto.subtle !== undefined;

/**
 * What an upload is kept under. Another file of that name, or one that was changed, is another upload.
 *
 * @returns null where nothing is kept
 */
export async function uploadKey(user, path, file) {
  if (!isRemembering) {
    return null;
  }
  const facts = JSON.stringify([user, path, file.size, file.lastModified]);
  const sampled = new Blob([facts, file.slice(0, SAMPLE_BYTES), file.slice(Math.max(0, file.size - SAMPLE_BYTES))]);
  const hash = new Uint8Array(await crypto.subtle.digest('SHA-256', await sampled.arrayBuffer()));
  return PREFIX + [...hash].map(byte => byte.toString(16).padStart(2, '0')).join('');
}

/** Whether two files of the same size and time look the same; one that can't be read does not. */
export async function isSameFile(one, other) {
  try {
    return await uploadKey('', '', one) === await uploadKey('', '', other);
  } catch {
    return false;
  }
}

/** @returns {id, isReplacing}; the id is null if none is remembered */
export function rememberedUpload(key) {
  try {
    const {id = null, isReplacing = false} = JSON.parse(localStorage.getItem(key)) ?? {};
    return {id, isReplacing};
  } catch {
    return {id: null, isReplacing: false};
  }
}

export function rememberUpload(key, {id, isReplacing}) {
  if (key === null) {
    return;
  }
  const keys = Object.keys(localStorage).filter(name => name.startsWith(PREFIX));
  if (keys.length >= MAX_KEPT) {
    const since = name => Number(/"since":(\d+)/.exec(localStorage.getItem(name))?.[1] ?? 0);
    keys.sort((one, other) => since(one) - since(other)).slice(0, keys.length - MAX_KEPT + 1).forEach(name => localStorage.removeItem(name));
  }
  try {
    localStorage.setItem(key, JSON.stringify({id, isReplacing, since: Date.now()}));
  } catch {
    // There is no room; then it can't go on after a reload.
  }
}

export function forgetUpload(key) {
  if (key !== null) {
    localStorage.removeItem(key);
  }
}
