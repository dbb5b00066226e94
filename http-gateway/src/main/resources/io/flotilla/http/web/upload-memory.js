/**
 * Where unfinished uploads are on the server, so that one goes on after the page was closed, when the same file is chosen again for the
 * same place. Kept by the browser.
 */
const PREFIX = 'flotilla-upload:';
const MAX_KEPT = 200;

/** Another file of that name, or one that was changed, is another upload. */
function key(user, path, file) {
  return `${PREFIX}${JSON.stringify([user, path, file.size, file.lastModified])}`;
}

/** @returns {url, isReplacing}; the URL is null if none is remembered */
export function rememberedUpload(user, path, file) {
  try {
    const {url = null, isReplacing = false} = JSON.parse(localStorage.getItem(key(user, path, file))) ?? {};
    return {url, isReplacing};
  } catch {
    return {url: null, isReplacing: false};
  }
}

export function rememberUpload(user, path, file, {url, isReplacing}) {
  const keys = Object.keys(localStorage).filter(name => name.startsWith(PREFIX));
  if (keys.length >= MAX_KEPT) {
    const since = name => Number(/"since":(\d+)/.exec(localStorage.getItem(name))?.[1] ?? 0);
    keys.sort((one, other) => since(one) - since(other)).slice(0, keys.length - MAX_KEPT + 1).forEach(name => localStorage.removeItem(name));
  }
  try {
    localStorage.setItem(key(user, path, file), JSON.stringify({url, isReplacing, since: Date.now()}));
  } catch {
    // There is no room; then it can't go on after a reload.
  }
}

export function forgetUpload(user, path, file) {
  localStorage.removeItem(key(user, path, file));
}
