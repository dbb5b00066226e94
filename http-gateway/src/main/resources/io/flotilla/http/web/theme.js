const KEY = 'flotilla-theme';
const ORDER = ['auto', 'light', 'dark'];

/** Light, dark, or what the system has ('auto'). */
export function theme() {
  const kept = localStorage.getItem(KEY);
  return ORDER.includes(kept) ? kept : 'auto';
}

export function applyTheme() {
  document.documentElement.dataset.theme = theme();
}

/** Goes to the next one and returns it. */
export function switchTheme() {
  const next = ORDER[(ORDER.indexOf(theme()) + 1) % ORDER.length];
  localStorage.setItem(KEY, next);
  applyTheme();
  return next;
}
