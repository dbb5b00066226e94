const UNITS = ['B', 'KB', 'MB', 'GB', 'TB', 'PB'];

/** A number of bytes in words, decimal as disks and other programs have it. */
export function formatSize(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const digits = unit === 0 || value >= 99.95 ? 0 : value >= 9.995 ? 1 : 2;
  return `${value.toLocaleString(undefined, {maximumFractionDigits: digits})} ${UNITS[unit]}`;
}

export function formatCount(number, one, many = `${one}s`) {
  return `${number.toLocaleString()} ${number === 1 ? one : many}`;
}

const DAY = new Intl.DateTimeFormat(undefined, {dateStyle: 'medium'});
const TIME = new Intl.DateTimeFormat(undefined, {timeStyle: 'short'});
const FULL = new Intl.DateTimeFormat(undefined, {dateStyle: 'full', timeStyle: 'medium'});

export function formatDate(date) {
  const today = new Date();
  return date.toDateString() === today.toDateString() ? `Today, ${TIME.format(date)}` : `${DAY.format(date)}, ${TIME.format(date)}`;
}

export function formatFullDate(date) {
  return FULL.format(date);
}

export function formatTime(date) {
  return date.toDateString() === new Date().toDateString() ? TIME.format(date) : `${DAY.format(date)}, ${TIME.format(date)}`;
}

/** How long something will take, roughly. */
export function formatDuration(seconds) {
  if (seconds < 60) {
    return `${Math.max(1, Math.round(seconds))} s`;
  }
  if (seconds < 3600) {
    return `${Math.round(seconds / 60)} min`;
  }
  return `${Math.floor(seconds / 3600)} h ${Math.round(seconds % 3600 / 60)} min`;
}
