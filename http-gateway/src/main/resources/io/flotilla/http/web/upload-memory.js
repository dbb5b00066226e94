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

export function rememberedUrl(user, path, file) {
  try {
    return JSON.parse(localStorage.getItem(key(user, path, file)))?.url ?? null;
  } catch {
    return null;
  }
}

export function rememberUrl(user, path, file, url) {
  const keys = Object.keys(localStorage).filter(name => name.startsWith(PREFIX));
  if (keys.length >= MAX_KEPT) {
    const since = name => Number(/"since":(\d+)/.exec(localStorage.getItem(name))?.[1] ?? 0);
    keys.sort((one, other) => since(one) - since(other)).slice(0, keys.length - MAX_KEPT + 1).forEach(name => localStorage.removeItem(name));
  }
  try {
    localStorage.setItem(key(user, path, file), JSON.stringify({url, since: Date.now()}));
  } catch {
    // There is no room; then it can't go on after a reload.
  }
}

export function forgetUrl(user, path, file) {
  localStorage.removeItem(key(user, path, file));
}
