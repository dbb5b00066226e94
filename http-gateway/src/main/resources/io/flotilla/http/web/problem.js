/** A request that failed, in words for the person who made it. A status of 0 means that no answer came. */
export class Problem extends Error {
  constructor(status, detail, {retryAfter = 0, offset = null} = {}) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
    /** Where an upload is, if the answer tells. */
    this.offset = offset;
  }

  /** Whether the same may work a little later. */
  get isPassing() {
    return this.status === 0 || [408, 423, 425, 429, 460].includes(this.status) || this.status >= 500 && this.status !== 507;
  }
}

export function unreachable() {
  return new Problem(0, 'The server can’t be reached. Check the network, and try again.');
}

const WORDS = {
  403: 'This is not allowed.',
  404: 'It is not there any more.',
  409: 'This can’t be done as things are.',
  413: 'It is too large.',
  429: 'Too much at once. Try again a little later.',
  500: 'The server failed by a defect. Its log says why.',
  502: 'The server doesn’t answer at the moment.',
  503: 'The server can’t do this at the moment. Try again a little later.',
  504: 'The server took too long to answer.',
  507: 'There is not enough space left.',
};

function sentence(text) {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}

/**
 * What a failed answer says (RFC 9457).
 *
 * @param headers a function that gives a header's value
 */
export function problemOf(status, headers, body) {
  let told = {};
  if (/^application\/(problem\+)?json/.test(headers('Content-Type') ?? '')) {
    try {
      told = JSON.parse(body);
    } catch {
      told = {}; // cut off; the status says enough
    }
  }
  const detail = typeof told.detail === 'string' && told.detail !== '' ? sentence(told.detail)
    : WORDS[status] ?? `The server answered with status ${status}.`;
  return new Problem(status, detail, {retryAfter: Number(headers('Retry-After')) || 0, offset: headers('Upload-Offset')});
}

/** The same of an answer to fetch. */
export async function problemOfResponse(response) {
  let body = '';
  try {
    body = await response.text();
  } catch {
    body = ''; // broken off
  }
  return problemOf(response.status, name => response.headers.get(name), body);
}
